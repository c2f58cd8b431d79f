"""The benchmark: ``python tests/benchmarks/run.py``. What it shows and how is told in ``docs/explanation/speed.md``.

Ends with status 1 where an aim is missed. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from decisions import decisions
from floor import floor
from guarded import allowed, guard, refused
from memory import blocks_kept
from peers import flask_oidc, mozilla_django_oidc, starlette
from rounds import Cost, Subject, measure

F = "F"
IDLE_F_MICROSECONDS = 16
"""What F takes on the idle machine on which the aims were set: it turns microseconds into multiples of F."""


@dataclass(frozen=True, slots=True)
class Aim:
    """``subject`` costs at most ``limit`` times what ``against`` costs."""

    subject: str
    limit: float
    against: str

    def line(self, costs: dict[str, Cost]) -> tuple[str, bool]:
        """What came out, and whether the aim was reached: by the median and by the minima."""
        middle, least = costs[self.subject].over(costs[self.against])
        reached = middle <= self.limit and least <= self.limit
        verdict = "reached" if reached else "MISSED"
        return (
            f"{self.subject:<34}{middle:>8.2f}{least:>10.2f}{self.limit:>8.2f} × {self.against}  {verdict}",
            reached,
        )


AIMS = (
    Aim("idaware, ASGI", 10 / IDLE_F_MICROSECONDS, F),
    Aim("idaware, WSGI", 10 / IDLE_F_MICROSECONDS, F),
    Aim("a decision among 10,000 rules", 1.2, "a decision among 10 rules"),
    Aim("a forged cookie", 0.35, F),
    Aim("other cookies, none of ours", 0.1, F),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it all and print what came out; the exit status."""
    options = _options(arguments)
    guarded = guard()
    subjects = [Subject(F, floor()), *allowed(guarded), *_peers(), *refused(guarded), *decisions()]
    costs = measure(subjects, options.rounds)
    kept = blocks_kept(guarded, options.forged)
    print(_table(costs, [subject.name for subject in subjects]))
    print(f"\n{'aim':<34}{'median':>8}{'minima':>10}{'limit':>8}")
    outcomes = [aim.line(costs) for aim in AIMS]
    print("\n".join(line for line, _ in outcomes))
    flat = kept < options.forged / 100
    print(f"memory after {options.forged:,} forged cookies: {kept:+,} blocks  {'flat' if flat else 'GROWS'}")
    return 0 if flat and all(reached for _, reached in outcomes) else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=51, help="interleaved rounds (default: 51)")
    parser.add_argument("--forged", type=int, default=100_000, help="forged cookies (default: 100,000)")
    return parser.parse_args(arguments)


def _peers() -> list[Subject]:
    found = []
    builders: tuple[Callable[[], Subject], ...] = (starlette, flask_oidc, mozilla_django_oidc)
    for builder in builders:
        try:
            found.append(builder())
        except ModuleNotFoundError as missing:
            print(f"left out: {builder.__name__} ({missing})", file=sys.stderr)
    return found


def _table(costs: dict[str, Cost], names: Sequence[str]) -> str:
    lines = [f"{'added per request':<34}{'median µs':>11}{'least µs':>10}{'× F':>8}{'× F, minima':>13}"]
    for name in names:
        cost = costs[name]
        middle, least = cost.over(costs[F])
        lines.append(
            f"{name:<34}{cost.middle / 1000:>11.2f}{cost.least / 1000:>10.2f}{middle:>8.2f}{least:>13.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())

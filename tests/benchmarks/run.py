"""The benchmark: ``python tests/benchmarks/run.py``. What it shows and how is told in ``docs/explanation/speed.md``.

Ends with status 1 where a limit is exceeded. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from decisions import decisions
from floor import floor
from guarded import Guard, allowed, guard, refused
from memory import blocks_kept
from peers import flask_oidc, mozilla_django_oidc, starlette
from rounds import Cost, Subject, measure

F = "F"
MAX_BLOCKS = 1000
"""Memory is flat when the interpreter holds no more blocks than so many more than before, however many cookies came."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``subject`` may cost at most ``most`` times what ``against`` costs, by the median and by the minima."""

    subject: str
    most: float
    against: str

    def applies(self, costs: dict[str, Cost]) -> bool:
        """Whether both were measured: a peer may not be installed."""
        return self.subject in costs and self.against in costs

    def outcome(self, costs: dict[str, Cost]) -> tuple[str, bool]:
        """What came out in words, and whether the limit was kept."""
        middle, least = costs[self.subject].over(costs[self.against])
        kept = middle <= self.most and least <= self.most
        verdict = "kept" if kept else "EXCEEDED"
        return (
            f"{self.subject:<34}{middle:>8.2f}{least:>9.2f}{self.most:>7.2f} × {self.against}: {verdict}",
            kept,
        )


LIMITS = (
    Limit("idaware, ASGI", 1.0, "Starlette SessionMiddleware"),
    Limit("idaware, WSGI", 1.0, "Starlette SessionMiddleware"),
    Limit("idaware, ASGI", 1.4, F),
    Limit("idaware, WSGI", 1.4, F),
    Limit("idaware, around Flask", 0.5, "flask-oidc"),
    Limit("idaware, around Django", 0.1, "mozilla-django-oidc"),
    Limit("a decision among 10,000 rules", 1.2, "a decision among 10 rules"),
    Limit("a forged cookie", 0.5, F),
    Limit("other cookies, none of ours", 0.15, F),
)
"""What a change must not spoil. Some room is left above what was measured: machines differ."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it all and print what came out; the exit status."""
    options = _options(arguments)
    guarded = guard()
    subjects = [Subject(F, floor()), *allowed(guarded), *_peers(guarded), *refused(guarded), *decisions()]
    costs = measure(subjects, options.rounds)
    kept = blocks_kept(guarded, options.forged)
    print(_table(costs, [subject.name for subject in subjects]))
    outcomes = [limit.outcome(costs) for limit in LIMITS if limit.applies(costs)]
    print(f"\n{'limits':<34}{'median':>8}{'minima':>9}{'most':>7}", *(line for line, _ in outcomes), sep="\n")
    flat = kept < MAX_BLOCKS
    print(f"memory after {options.forged:,} forged cookies: {kept:+,} blocks, {'flat' if flat else 'GROWS'}")
    return 0 if flat and all(kept for _, kept in outcomes) else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=51, help="interleaved rounds (default: 51)")
    parser.add_argument("--forged", type=int, default=100_000, help="forged cookies (default: 100,000)")
    return parser.parse_args(arguments)


def _peers(guarded: Guard) -> list[Subject]:
    found: list[Subject] = []
    builders: tuple[Callable[[Guard], list[Subject]], ...] = (starlette, flask_oidc, mozilla_django_oidc)
    for builder in builders:
        try:
            found += builder(guarded)
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

"""What a decision costs as a policy grows: find the rule, ask its conditions."""

from __future__ import annotations

import time
from collections.abc import Callable

from guarded import policy_of
from rounds import Subject
from visitor import GROUP, HOST, PATH

from idaware.identity import Identity
from idaware.policy.policy import Policy

SIZES = (10, 1000, 10_000)


def decisions() -> list[Subject]:
    """The same question to policies of 10, 1,000 and 10,000 rules."""
    return [Subject(f"a decision among {size:,} rules", _question(policy_of(size))) for size in SIZES]


def _question(policy: Policy) -> Callable[[], object]:
    who = Identity(
        subject="8f14e45f",
        alias="login",
        actor_type="human",
        auth_method="session",
        groups=frozenset({GROUP}),
        kept=policy.wanted,
    )
    now = time.time()

    def ask() -> object:
        return policy.decide(policy.find(HOST, "GET", PATH), who, now)

    return ask

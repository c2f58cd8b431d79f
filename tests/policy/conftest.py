"""Policies and people for the tests of this room."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from idaware.errors import PolicyError
from idaware.identity import Identity
from idaware.policy.load import load_policy
from idaware.policy.model import PolicyContext
from idaware.policy.policy import Policy

NOW = 1_800_000_000.0


@pytest.fixture(scope="session")
def now() -> float:
    """A moment: 2027-01-15T08:00:00Z, a Friday."""
    return NOW


@pytest.fixture(scope="session")
def load() -> Callable[..., Policy]:
    """Load a policy from text; keywords go into its context."""

    def load(text: str, **context: Any) -> Policy:
        context.setdefault("now", NOW)
        source = textwrap.dedent(text).encode()
        return load_policy(source, source="policy.yaml", context=PolicyContext(**context))

    return load


@pytest.fixture(scope="session")
def with_rules(load: Callable[..., Policy]) -> Callable[..., Policy]:
    """Load a policy from the text of its rules alone."""

    def with_rules(rules: str, **context: Any) -> Policy:
        return load("version: 1\nrules:\n" + textwrap.indent(textwrap.dedent(rules), "  "), **context)

    return with_rules


@pytest.fixture(scope="session")
def refused(load: Callable[..., Policy]) -> Callable[..., list[str]]:
    """What is wrong with a policy, problem by problem."""

    def refused(text: str, **context: Any) -> list[str]:
        with pytest.raises(PolicyError) as caught:
            load(text, **context)
        return [str(problem) for problem in caught.value.problems]

    return refused


@pytest.fixture(scope="session")
def refused_rules(with_rules: Callable[..., Policy]) -> Callable[..., list[str]]:
    """What is wrong with rules, problem by problem; their text begins in line 3, two columns in."""

    def refused_rules(rules: str, **context: Any) -> list[str]:
        with pytest.raises(PolicyError) as caught:
            with_rules(rules, **context)
        return [str(problem) for problem in caught.value.problems]

    return refused_rules


@pytest.fixture(scope="session")
def person() -> Callable[..., Identity]:
    """Somebody signed in, as far as a policy may ask about it; ``groups=None`` for unknown ones."""

    def person(policy: Policy, *groups: str, **known: Any) -> Identity:
        known.setdefault("groups", frozenset(groups))
        known.setdefault("subject", "u1")
        known.setdefault("kept", policy.wanted)
        return Identity(alias="login", actor_type="human", auth_method="session", **known)

    return person

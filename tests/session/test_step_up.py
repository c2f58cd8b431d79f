from __future__ import annotations

from dataclasses import dataclass

import pytest

from idaware.session.record import Session
from idaware.session.step_up import requirement_digest, step_up_was_tried

NOW = 1_800_000_000


@dataclass(frozen=True)
class Needs:
    acr: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    auth_within: int | None = None


MFA = Needs(amr=("mfa",))


@pytest.mark.parametrize(
    ("tried", "ago", "needs", "answer"),
    [
        pytest.param(MFA, 0, MFA, True, id="just now"),
        pytest.param(MFA, 60, MFA, True, id="a minute ago"),
        pytest.param(MFA, 61, MFA, False, id="longer ago: a wish, not a loop"),
        pytest.param(Needs(auth_within=10), 11, Needs(auth_within=10), False, id="met then, aged since"),
        pytest.param(Needs(auth_within=10), 10, Needs(auth_within=10), True, id="within the age asked for"),
        pytest.param(Needs(auth_within=900), 61, Needs(auth_within=900), False, id="a long age adds nothing"),
        pytest.param(Needs(acr=("gold",)), 0, MFA, False, id="another requirement"),
        pytest.param(None, 0, MFA, False, id="an ordinary sign-in"),
    ],
)
def test_whether_a_step_up_was_tried(tried: Needs | None, ago: int, needs: Needs, answer: bool) -> None:
    digest = None if tried is None else requirement_digest(tried)
    made = Session(1, "id", NOW, NOW, NOW, "sub", step_up_tried=digest, step_up_at=NOW - ago)
    assert step_up_was_tried(made, needs, NOW) is answer


def test_the_order_of_members_does_not_count() -> None:
    one, other = Needs(("a", "b"), ("x", "y"), 5), Needs(("b", "a"), ("y", "x"), 5)
    assert requirement_digest(one) == requirement_digest(other)


@pytest.mark.parametrize(
    "other", [Needs(("x",)), Needs((), ("x",)), Needs((), (), 5), Needs()], ids=["acr", "amr", "age", "none"]
)
def test_different_requirements_have_different_names(other: Needs) -> None:
    assert requirement_digest(other) != requirement_digest(Needs(("x",), ("x",), 5))

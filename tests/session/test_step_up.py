from __future__ import annotations

import pytest

from idaware.policy.model import Require
from idaware.session.record import Session
from idaware.session.step_up import requirement_digest, step_up_was_tried

NOW = 1_800_000_000


MFA = Require(amr=("mfa",))


@pytest.mark.parametrize(
    ("tried", "ago", "needs", "answer"),
    [
        pytest.param(MFA, 0, MFA, True, id="just now"),
        pytest.param(MFA, 60, MFA, True, id="a minute ago"),
        pytest.param(MFA, 61, MFA, False, id="longer ago: a wish, not a loop"),
        pytest.param(Require(auth_within=10), 11, Require(auth_within=10), False, id="met then, aged since"),
        pytest.param(
            Require(auth_within=10), 10, Require(auth_within=10), True, id="within the age asked for"
        ),
        pytest.param(
            Require(auth_within=900), 61, Require(auth_within=900), False, id="a long age adds nothing"
        ),
        pytest.param(Require(acr=("gold",)), 0, MFA, False, id="another requirement"),
        pytest.param(None, 0, MFA, False, id="an ordinary sign-in"),
    ],
)
def test_whether_a_step_up_was_tried(tried: Require | None, ago: int, needs: Require, answer: bool) -> None:
    digest = None if tried is None else requirement_digest(tried)
    made = Session(1, "id", NOW, NOW, NOW, "sub", step_up_tried=digest, step_up_at=NOW - ago)
    assert step_up_was_tried(made, needs, NOW) is answer


def test_the_order_of_members_does_not_count() -> None:
    one, other = Require(("a", "b"), ("x", "y"), 5), Require(("b", "a"), ("y", "x"), 5)
    assert requirement_digest(one) == requirement_digest(other)


@pytest.mark.parametrize(
    "other",
    [Require(("x",)), Require((), ("x",)), Require((), (), 5), Require()],
    ids=["acr", "amr", "age", "none"],
)
def test_different_requirements_have_different_names(other: Require) -> None:
    assert requirement_digest(other) != requirement_digest(Require(("x",), ("x",), 5))

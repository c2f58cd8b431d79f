"""What a guard in the application lets pass, whatever the framework."""

from __future__ import annotations

import pytest

from idaware.errors import ClientError, ConfigurationError
from idaware.guards import checked_identity, close_code, group_names, guard
from idaware.identity import ANONYMOUS, Identity, Wanted
from idaware.reasons import Reason

KEPT = Wanted(groups=frozenset({"sre", "finance"}))
NEWER = Wanted(groups=frozenset({"sre", "finance", "auditors"}))


def person(*groups: str, known: bool = True) -> Identity:
    return Identity(
        subject="a", alias="login", actor_type="human", groups=frozenset(groups) if known else None,
        kept=KEPT, wanted=NEWER,
    )  # fmt: skip


def refusal(who: Identity, *groups: str) -> ClientError:
    with pytest.raises(ClientError) as refused:
        guard(who, groups)
    return refused.value


def test_one_of_the_groups_is_enough() -> None:
    guard(person("finance"), ("sre", "finance"))


def test_somebody_in_none_of_the_groups_is_refused() -> None:
    refused = refusal(person("finance"), "sre")
    assert (refused.status, refused.reason, close_code(refused)) == (403, Reason.NOT_IN_ALLOW, 4403)


def test_unknown_groups_are_no_groups() -> None:
    assert refusal(person(known=False), "sre").status == 403


def test_nobody_has_to_sign_in_first() -> None:
    refused = refusal(ANONYMOUS, "sre")
    assert (refused.status, refused.reason, close_code(refused)) == (401, Reason.NO_IDENTITY, 4401)


def test_a_group_that_the_policy_names_since_the_sign_in_asks_for_a_new_one() -> None:
    refused = refusal(person("sre"), "auditors")
    assert (refused.status, refused.reason) == (401, Reason.SESSION_STALE)


def test_a_group_that_is_not_kept_is_an_error_and_not_a_no() -> None:
    with pytest.raises(ConfigurationError, match=r"keep\.groups"):
        guard(person("sre"), ("cleaners",))


def test_a_group_that_is_not_kept_is_an_error_also_beside_one_that_holds() -> None:
    with pytest.raises(ConfigurationError, match="cleaners"):
        guard(person("sre"), ("sre", "cleaners"))


def test_nobody_is_in_no_group() -> None:
    assert not ANONYMOUS.in_group("whatever")
    assert not ANONYMOUS.in_any_group("whatever", "else")


@pytest.mark.parametrize(
    "groups", [(), (["sre"],), ("",), ("sre", 1)], ids=["none", "list", "empty", "number"]
)
def test_a_guard_takes_names_of_groups(groups: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match="require_groups"):
        group_names(groups)


def test_a_request_that_came_past_the_gate_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"came through the gate|wrap it"):
        checked_identity(None, "wrap it")
    assert checked_identity(ANONYMOUS, "wrap it") is ANONYMOUS

"""Every reason has words."""

from __future__ import annotations

import pytest

from idaware.pages.style import ICONS
from idaware.pages.wording import (
    FAILED_LOGINS,
    REFUSALS,
    STOPPED,
    failed_login_wording,
    groups_left_out_wording,
    refusal_wording,
    status_phrase,
)
from idaware.reasons import Reason

LETS_THROUGH = {
    Reason.ALLOWED_BY_RULE, Reason.PUBLIC, Reason.OWN_ENDPOINT, Reason.GRANT, Reason.PREFLIGHT,
    Reason.MODE_OFF, Reason.LEGACY_ALLOWED, Reason.SHADOW_PASSED, Reason.CONNECTION_ENDED,
}  # fmt: skip


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in LETS_THROUGH], ids=str)
def test_every_reason_to_refuse_has_words_of_its_own(reason: Reason) -> None:
    assert reason in REFUSALS or reason in FAILED_LOGINS or reason is Reason.ASSERTION_INVALID


@pytest.mark.parametrize(
    "words", [*REFUSALS.values(), *FAILED_LOGINS.values(), STOPPED], ids=lambda words: words.title
)
def test_words_are_whole(words) -> None:
    assert words.icon in ICONS
    assert words.title[0].isupper()
    assert not words.title.endswith(".")
    assert words.lead.endswith(".")
    assert words.label


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 418, 503])
def test_a_reason_without_words_gets_those_of_its_status(status: int) -> None:
    assert refusal_wording(Reason.PUBLIC, status).title


def test_a_failed_sign_in_without_words_gets_the_general_ones() -> None:
    assert failed_login_wording(Reason.PUBLIC).title == "You were not signed in"
    assert failed_login_wording(Reason.LOGIN_STATE_UNKNOWN).title == "This sign-in is no longer good"


def test_groups_left_out_in_an_unknown_way_count_as_absent() -> None:
    assert groups_left_out_wording("?") == groups_left_out_wording("absent")


def test_status_phrases() -> None:
    assert status_phrase(421) == "Misdirected Request"
    assert status_phrase(599) == "Error"

"""The pages on the way out."""

from __future__ import annotations

import pytest


def form_action(page) -> str:
    policy = dict(page.headers)["Content-Security-Policy"]
    return next(part for part in policy.split("; ") if part.startswith("form-action "))


def test_signing_out_is_asked_for_with_a_post_form(pages, someone, parse) -> None:
    parsed = parse(pages.logout_confirm(identity=someone("kim"), ends_provider_session=True))
    assert parsed.values("form", "method") == ["post"]
    assert parsed.values("form", "action") == ["/tools/_idaware/logout"]
    assert "login/kim" in parsed.words
    assert parsed.values("a", "href")[0] == "/tools/"


@pytest.mark.parametrize(
    ("ends", "words"), [(True, "here and at your sign-in provider"), (False, "You stay signed in")]
)
def test_the_question_says_how_far_the_sign_out_goes(pages, someone, parse, ends: bool, words: str) -> None:
    page = pages.logout_confirm(identity=someone("kim"), ends_provider_session=ends)
    assert words in parse(page).words


def test_the_form_leads_to_our_own_origin_and_nowhere_else(pages, someone) -> None:
    page = pages.logout_confirm(identity=someone("kim"), ends_provider_session=True)
    assert form_action(page) == "form-action 'self'"


def test_signed_out(pages, parse) -> None:
    page = pages.logged_out(login_url="/tools/_idaware/login")
    assert page.status == 200
    assert parse(page).values("a", "href") == ["/tools/_idaware/login"]
    assert "shared computer" in parse(page).words
    assert "shared computer" not in parse(pages.logged_out(login_url=None, provider_session_ended=True)).words

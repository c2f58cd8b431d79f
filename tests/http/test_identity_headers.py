"""Identity in headers: what names somebody goes in whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.http.identity_headers import HeaderBridge
from idaware.identity import Identity

TEMPLATES = [("X-User", "{user}"), ("X-Email", "{email}"), ("X-Name", "{name}"), ("X-Groups", "{groups}")]


def filled(*, verified_only: bool = True, **who: Any) -> dict[str, str]:
    facts = {"subject": "7f", "alias": "login", "actor_type": "human", "email_verified": True, **who}
    return dict(HeaderBridge(TEMPLATES, verified_only=verified_only).fill(Identity(**facts)))


def test_templates_are_filled() -> None:
    headers = [("X-Who", "<{principal}> {subject}")]
    assert HeaderBridge(headers).fill(Identity(subject="7f", alias="login")) == (("X-Who", "<login/7f> 7f"),)
    assert HeaderBridge([]).fill(Identity(subject="7f", alias="login")) == ()


@pytest.mark.parametrize(
    "text",
    ["admin\u200b", "\u0430dmin", "admin\n", "\x00admin", " admin", "admin ", "admin\xa0", "adm\u00e5n", "\ufeffadmin"],
    ids=["an invisible blank", "a Cyrillic a", "newline", "NUL", "a blank before", "a blank behind", "a hard blank",
         "beyond ASCII", "a byte order mark"],
)  # fmt: skip
def test_nobody_becomes_somebody_else_by_characters_that_a_header_cannot_carry(text: str) -> None:
    headers = filled(user=text, email=text, groups=frozenset({text, "sre"}))
    assert (headers["X-User"], headers["X-Email"], headers["X-Groups"]) == ("", "", "sre")


@given(st.text(max_size=12))
def test_what_names_somebody_goes_in_as_it_is_or_not_at_all(text: str) -> None:
    headers = filled(user=text, email=text, groups=frozenset({text}))
    assert headers["X-User"] in ("", text)
    assert headers["X-Email"] in ("", text)
    assert headers["X-Groups"] in ("", text)


def test_a_display_name_shows_what_a_header_cannot_carry() -> None:
    assert filled(name="Jos\u00e9 \u0141uk\r\nasz")["X-Name"] == "Jos\u00e9 ?uk??asz"


def test_a_group_with_a_comma_is_left_out() -> None:
    assert filled(groups=frozenset({"b", "a", "x,admins"}))["X-Groups"] == "a,b"


def test_an_address_that_nobody_vouches_for_stays_out() -> None:
    unverified = {"email": "alice@corp.example", "email_verified": False}
    assert filled(**unverified)["X-Email"] == ""
    assert filled(**unverified, verified_only=False)["X-Email"] == "alice@corp.example"

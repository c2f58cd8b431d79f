"""The small YAML file, and the people that are there without it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.devidp import DEFAULT_PEOPLE, Client, Clients, People, Person, clients, people
from idaware.devidp.memory import Memory, SignIn
from idaware.devidp.people import directory_groups
from idaware.devidp.tokens import person_claims
from idaware.errors import ConfigurationError

FILE = """
people:
  - sub: "1001"
    name: Ada Example
    note: likes engines
    email: ada@corp.example
    email_verified: false
    groups: [sre, on]
    amr: [hwk]
    claims: {department: Platform, since: 2024-05-01, levels: [1, 2]}
  - sub: bot
    groups_in: userinfo
clients:
  - client_id: billing
    client_secret: s3cret
    redirect_uris: ["http://127.0.0.1:8000/cb"]
    post_logout_redirect_uris: ["http://127.0.0.1:8000/"]
    backchannel_logout_uri: http://127.0.0.1:8000/bcl
"""


def test_people_are_read_from_yaml() -> None:
    ada, bot = people.load(FILE)
    assert ada.claims == {"department": "Platform", "since": "2024-05-01", "levels": [1, 2]}
    assert (ada.sub, ada.label, ada.email, ada.email_verified) == (
        "1001",
        "Ada Example",
        "ada@corp.example",
        False,
    )
    assert (ada.groups, ada.groups_in, ada.amr, ada.note) == (
        ("sre", "on"),
        "id_token",
        ("hwk",),
        "likes engines",
    )
    assert (bot.label, bot.groups, bot.groups_in, bot.amr) == ("bot", None, "userinfo", ("pwd",))


def test_clients_are_read_from_the_same_file() -> None:
    known = clients.load(FILE)
    billing = known.get("billing")
    assert billing == Client(
        client_id="billing",
        client_secret="s3cret",
        redirect_uris=("http://127.0.0.1:8000/cb",),
        post_logout_redirect_uris=("http://127.0.0.1:8000/",),
        backchannel_logout_uri="http://127.0.0.1:8000/bcl",
    )
    assert not known.anyone
    assert known.get("other") is None


def test_without_clients_anybody_is_waved_through_and_without_people_the_default_ones_are_there() -> None:
    assert clients.load("people: [{sub: a}]", secret="x").get("any") is not None
    assert clients.load("people: [{sub: a}]").get("") is None
    assert people.load("clients: []") is DEFAULT_PEOPLE


def test_registered_clients_can_stand_beside_unregistered_ones() -> None:
    known = Clients([Client(client_id="billing")], anyone=True)
    assert known.get("billing") == Client(client_id="billing")
    assert known.get("other") is not None
    assert repr(known.get("other")).startswith("UnregisteredClient(client_id='other'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("people: [{sub: a, group: [x]}]", "group"),
        ("people: [{sub: a}, {sub: a}]", "each person needs one of their own"),
        ("people: [{sub: ''}]", "each person needs one of their own"),
        ("people: []", "at least one person"),
        ("people: [{name: a}]", "sub"),
        ("people: [{sub: a, groups: x}]", "groups"),
        ("people: [{sub: a, groups: [null]}]", "groups"),
        ("people: [{sub: a, groups_in: nowhere}]", "groups_in is 'nowhere'"),
        ("people: [{sub: a, sub: b}]", "duplicate"),
        ("people: &p [{sub: a}]\nclients: *p", "aliases"),
        ("people: [", "expected"),
        ("--- 1\n--- 2", "document"),
        ("people: !!python/object:os.system {}", "could not determine a constructor"),
        ("x" * 1_048_577, "longer than"),
        ("", "null"),
    ],
    ids=lambda text: text[:30],
)
def test_a_wrong_file_is_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        people.load(text)


@given(st.text(max_size=200))
def test_any_text_is_people_or_a_configuration_error(text: str) -> None:
    with suppress(ConfigurationError):
        assert len(people.load(text)) > 0


def test_a_client_off_this_machine_in_the_file_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not a URL on this machine"):
        clients.load("clients: [{client_id: a, redirect_uris: ['https://x.example']}]")


# --- the default people


def claims_of(sub: str, *, userinfo: bool = False) -> dict[str, Any]:
    person = DEFAULT_PEOPLE.get(sub)
    assert person is not None
    return person_claims(person, "openid profile email", userinfo=userinfo)


@pytest.mark.parametrize(
    ("sub", "groups"),
    [("alice", ["sre", "engineering"]), ("bob", ["finance"]), ("carol", ["contractors"]), ("frank", [])],
)
def test_default_people_have_their_groups(sub: str, groups: list[str]) -> None:
    assert claims_of(sub)["groups"] == groups


def test_dave_has_three_hundred_groups_as_a_directory_makes_them() -> None:
    groups = claims_of("dave")["groups"]
    assert len(set(groups)) == 300
    assert groups[1] == directory_groups(1)[0]
    assert all(len(group) == 36 for group in groups[1:])


def test_default_people_stand_for_what_providers_do() -> None:
    assert "groups" not in claims_of("erin")
    assert "_claim_sources" in claims_of("grace")
    assert "groups" not in claims_of("heidi")
    assert claims_of("heidi", userinfo=True)["groups"] == ["sre"]
    assert claims_of("ivan")["email_verified"] is False
    assert "email" not in person_claims(Person(sub="x"), "openid email", userinfo=False)


def test_people_are_found_by_hint() -> None:
    some = People([Person(sub="a", email="A@x.example"), Person(sub="b")])
    assert some.hinted("a@X.example") == some.get("a")
    assert some.hinted("b") == some.get("b")
    assert some.hinted("nobody") is some.hinted(None) is some.hinted("") is None
    assert len(some) == 2


def test_memory_forgets_its_oldest_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idaware.devidp.memory._MAX_ENTRIES", 2)
    memory = Memory()
    assert [memory.use_assertion(key, 0.0) for key in ("a", "b", "b", "c", "a")] == [
        True,
        True,
        False,
        True,
        True,
    ]
    assert set(memory.assertion_ids) == {"c", "a"}


def test_a_sign_in_shows_no_more_than_it_is() -> None:
    shown = repr(
        SignIn(person=Person(sub="a", claims={"salary": 1}), auth_time=1, acr="pwd", amr=(), sid="s")
    )
    assert "salary" not in shown

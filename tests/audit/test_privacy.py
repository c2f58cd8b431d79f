"""Hashed records tell people apart without naming them."""

from __future__ import annotations

import hmac

import pytest

from idaware.audit.privacy import hash_record, hash_value
from idaware.audit.record import Record, Why, encode

KEY = b"k" * 32
ALICE = Record(
    principal="login/alice", subject="alice", email="Alice@corp.example", name="Alice A", path="/x"
)


def test_a_value_is_hashed_with_hmac_sha256_under_the_key() -> None:
    expected = hmac.new(KEY, b"alice", "sha256").hexdigest()[:32]
    assert hash_value(KEY, "alice") == f"hmac:{expected}"


def test_what_names_a_person_is_hashed_and_nothing_else() -> None:
    hashed = hash_record(ALICE, KEY)
    for name in ("principal", "subject", "email", "name"):
        assert getattr(hashed, name) == hash_value(KEY, getattr(ALICE, name))
    assert hashed.path == "/x"


def test_the_record_handed_in_stays_as_it_was() -> None:
    hash_record(ALICE, KEY)
    assert ALICE.subject == "alice"


def test_one_person_hashes_alike_in_every_replica_and_unlike_under_another_key() -> None:
    assert hash_record(ALICE, KEY) == hash_record(ALICE, KEY)
    assert hash_record(ALICE, KEY).principal != hash_record(ALICE, b"j" * 32).principal


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        ("emails: alice@corp.example", "emails: hmac:"),
        ("users: login/alice", "users: hmac:"),
        ("users: alice", "users: hmac:"),
        ("claims: display=ALICE A", "claims: display=hmac:"),
    ],
    ids=["e-mail in another case", "principal", "bare subject", "name"],
)
def test_a_condition_that_names_the_person_is_hashed_too(condition: str, left: str) -> None:
    for place in ("held", "failed", "unknown"):
        hashed = hash_record(Record(**_named(), why=Why(**{place: (condition,)})), KEY)
        assert hashed.why is not None
        (text,) = getattr(hashed.why, place)
        assert text.startswith(left)
        assert "alice" not in text.lower()


def test_a_condition_about_others_stays_readable() -> None:
    hashed = hash_record(Record(**_named(), why=Why(("groups: alice-team2", "groups: malice"))), KEY)
    assert hashed.why == Why(
        ("groups: alice-team2".replace("alice", hash_value(KEY, "alice")), "groups: malice")
    )


def test_nobody_is_nothing_to_hash() -> None:
    record = Record(why=Why(("public",)), principal=None, email="")
    assert encode(hash_record(record, KEY)) == encode(record)
    assert hash_record(Record(**_named()), KEY).why is None


@pytest.mark.parametrize("subject", ["\ud800", "ſ", "İ"], ids=["surrogate", "long s", "dotted I"])
def test_odd_names_are_hashed_without_an_exception(subject: str) -> None:
    hashed = hash_record(Record(subject=subject, why=Why((subject, subject.upper(), subject.lower()))), KEY)
    assert hashed.subject == hash_value(KEY, subject)


def _named() -> dict[str, str]:
    return {"principal": "login/alice", "subject": "alice", "email": "Alice@corp.example", "name": "Alice A"}

from __future__ import annotations

import base64
import hashlib
import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer, URLSafeTimedSerializer

from idaware.errors import ConfigurationError
from idaware.session.keys import Keyed, KeyRing
from idaware.settings import Secret

NEW, OLD = Secret("new-" + "Zk3vQ9x" * 6), Secret("old-" + "pL8wT2r" * 6)
SCOPE = ("https://login.corp.example", "billing-admin", "https://billing.corp.example")
RING = KeyRing([NEW], *SCOPE)
SEAL = RING.seal("session")
ALPHABET = string.ascii_letters + string.digits + "-_"


def other_scope(position: int, value: str) -> KeyRing:
    scope = list(SCOPE)
    scope[position] = value
    return KeyRing([NEW], *scope)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(other_scope(0, "https://other.example"), id="another issuer"),
        pytest.param(other_scope(1, "payroll"), id="another client id"),
        pytest.param(other_scope(2, "https://payroll.corp.example"), id="another base URL"),
        pytest.param(KeyRing([OLD], *SCOPE), id="another secret"),
    ],
)
def test_one_secret_mounted_by_many_tools_does_not_make_cookies_interchangeable(other: KeyRing) -> None:
    assert other.keys("session")[0] != RING.keys("session")[0]
    assert other.generation != RING.generation
    assert other.seal("session").open(SEAL.close(b"payload")) is None


def test_a_value_sealed_for_one_purpose_opens_for_no_other() -> None:
    assert RING.seal("activity").open(SEAL.close(b"payload")) is None


def test_the_label_of_a_key_is_unambiguous() -> None:
    assert KeyRing([NEW], "a", "bc", "d").keys("x")[0] != KeyRing([NEW], "a", "b", "cd").keys("x")[0]


def test_the_newest_secret_signs_and_each_of_them_verifies() -> None:
    ring = KeyRing([NEW, OLD], *SCOPE)
    assert ring.keys("session")[0] == RING.keys("session")[0]
    assert ring.seal("session").close(b"payload") == SEAL.close(b"payload")
    assert ring.seal("session").open(KeyRing([OLD], *SCOPE).seal("session").close(b"payload")) == b"payload"


def test_during_a_rotation_a_replica_that_has_the_key_last_opens_what_the_others_sign() -> None:
    first, second = KeyRing([OLD, NEW], *SCOPE), KeyRing([NEW, OLD], *SCOPE)
    assert first.seal("session").open(second.seal("session").close(b"payload")) == b"payload"
    assert first.generation != second.generation


def test_sa_033_a_removed_secret_counts_for_nothing_at_once() -> None:
    text = KeyRing([NEW, OLD], *SCOPE).seal("session").close(b"payload")
    assert KeyRing([OLD], *SCOPE).seal("session").open(text) is None


def test_a_ring_without_any_secret_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="IDAWARE_SECRET_KEYS"):
        KeyRing([], *SCOPE)


def test_sa_029_cookies_of_frameworks_with_the_same_secret_are_refused() -> None:
    starlette = Signer(NEW.reveal()).sign(base64.b64encode(b"{}")).decode()
    flask = URLSafeTimedSerializer(NEW.reveal(), salt="cookie-session").dumps({"user": "mallory"})
    raw = hmac.digest(NEW.reveal().encode(), b"eyJ9", "sha256")
    plain = "eyJ9." + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert [SEAL.open(starlette), SEAL.open(str(flask)), SEAL.open(plain)] == [None, None, None]


def test_sa_031_a_signature_by_another_digest_is_refused() -> None:
    key = RING.keys("session")[0]
    for digest in (hashlib.sha1, hashlib.sha512):
        signer = Signer(key, key_derivation="none", digest_method=digest)
        assert SEAL.open(signer.sign(b"cGF5bG9hZA").decode()) is None


@given(st.data())
def test_sa_035_any_changed_character_is_refused(data: st.DataObject) -> None:
    text = SEAL.close(b"a session of some length")
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET + ".=~ é\u2003"))
    changed = text[:at] + other + text[at + 1 :]
    assert (SEAL.open(changed) is None) == (changed != text)


@pytest.mark.parametrize("respelt", ["last character", "padding", "blank"])
def test_sa_007_a_respelt_signature_is_refused_though_its_bytes_are_the_same(respelt: str) -> None:
    text = SEAL.close(b"payload")
    table = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    last = table.index(text[-1])
    forms = {
        "last character": [text[:-1] + table[last ^ 1], text[:-1] + table[last ^ 2]],
        "padding": [text + "=", text + "=="],
        "blank": [text + " ", " " + text],
    }
    assert all(SEAL.open(form) is None for form in forms[respelt])


@given(st.binary(max_size=64))
def test_a_signature_in_the_alphabet_of_ordinary_base64_is_refused(payload: bytes) -> None:
    text = SEAL.close(payload)
    body, _, signature = text.rpartition(".")
    respelt = signature.translate(str.maketrans("-_", "+/"))
    assert (SEAL.open(f"{body}.{respelt}") is not None) == (respelt == signature)


@given(st.binary(max_size=600))
def test_what_was_sealed_opens_again_and_fits_a_cookie(payload: bytes) -> None:
    text = SEAL.close(payload)
    assert SEAL.open(text) == payload
    assert set(text) <= set(ALPHABET + ".")


@given(st.text(max_size=200))
def test_foreign_text_never_opens_and_never_raises(text: str) -> None:
    assert SEAL.open(text) is None


def test_a_value_longer_than_any_cookie_is_refused_before_it_is_hashed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(self: Keyed, value: bytes) -> bytes:
        raise AssertionError("hashed")

    text = SEAL.close(b"x" * 4000)
    assert len(text) > 4096
    monkeypatch.setattr(Keyed, "sign", never)
    assert [SEAL.open(form) for form in (text, "forged", "é." + "A" * 43)] == [None, None, None]


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_a_signature_is_the_hmac_of_the_standard_library(key: bytes, value: bytes) -> None:
    keyed = Keyed(key)
    assert keyed.sign(value) == keyed.sign(value) == hmac.digest(key, value, "sha256")


def test_a_generation_names_the_keys_and_tells_nothing_about_them() -> None:
    assert KeyRing([NEW], *SCOPE).generation == RING.generation
    assert len(RING.generation) == 12
    assert RING.generation not in NEW.reveal()

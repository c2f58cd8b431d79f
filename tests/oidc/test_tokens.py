"""ID tokens, step by step: each step has a token that fails it and only it."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idaware.errors import ProviderError, ProviderUnavailable, TokenRejected
from idaware.oidc import tokens
from idaware.reasons import Reason

NOW = 1_800_000_000


def at_hash(access_token: str, name: str = "sha256") -> str:
    digest = hashlib.new(name, access_token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


GOOD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as_it_should_be": ({}, {}),
    "exp_with_a_fraction": ({"exp": NOW + 300.5}, {}),
    "expired_within_the_leeway": ({"exp": NOW - 29}, {}),
    "issued_ahead_within_the_leeway": ({"iat": NOW + 30}, {}),
    "issued_as_long_ago_as_a_sign_in_may_take": ({"iat": NOW - 630}, {}),
    "valid_from_within_the_leeway": ({"nbf": NOW + 30}, {}),
    "aud_as_a_list": ({"aud": ["rp-client"]}, {}),
    "azp_is_us": ({"azp": "rp-client"}, {}),
    "a_trusted_audience_with_azp": (
        {"aud": ["rp-client", "api"], "azp": "rp-client"},
        {"trusted_audiences": ("api",)},
    ),
    "auth_time_as_young_as_max_age_asks": ({"auth_time": NOW - 90}, {"max_age": 60}),
    "auth_time_as_a_fraction": ({"auth_time": NOW - 0.5}, {"max_age": 0}),
    "auth_time_0_when_nobody_asks": ({"auth_time": 0}, {}),
    "auth_time_null_when_nobody_asks": ({"auth_time": None}, {}),
    "at_hash_of_the_access_token": ({"at_hash": at_hash("at")}, {"access_token": "at"}),
    "at_hash_without_an_access_token_to_compare": ({"at_hash": "AAAA"}, {}),
    "no_at_hash": ({}, {"access_token": "at"}),
    "auth_time_ahead_within_the_leeway": ({"auth_time": NOW + 30}, {}),
    "acr_and_amr": ({"acr": "mfa", "amr": ["pwd", "otp"]}, {}),
    "a_jti_that_is_a_number": ({"jti": 7}, {}),
    "a_subject_of_255_characters": ({"sub": "u" * 255}, {}),
}


@pytest.mark.parametrize(("claims", "rules"), GOOD.values(), ids=GOOD)
def test_good_token_is_accepted(op: Any, claims: dict[str, Any], rules: dict[str, Any]) -> None:
    assert op.verify(op.token(op.claims(**claims)), **rules)["sub"] == claims.get("sub", "u1")


def test_amr_written_as_a_plain_text_becomes_a_list_of_one(op: Any) -> None:
    assert op.verify(op.token(op.claims(amr="mfa")))["amr"] == ["mfa"]


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "iss_missing": ({"iss": ...}, {}, "2. iss"),
    "iss_of_somebody_else": ({"iss": "https://evil.example"}, {}, "2. iss"),
    "iss_in_other_letter_case": ({"iss": "https://OP.example.com"}, {}, "2. iss"),
    "iss_as_a_list": ({"iss": ["https://op.example.com"]}, {}, "2. iss"),
    "aud_missing": ({"aud": ...}, {}, "3. aud"),
    "aud_null": ({"aud": None}, {}, "3. aud"),
    "aud_empty_list": ({"aud": []}, {}, "3. aud"),
    "aud_of_another_client": ({"aud": "other"}, {}, "3. aud"),
    "aud_with_a_number_in_it": ({"aud": ["rp-client", 1]}, {}, "3. aud"),
    "aud_as_an_object": ({"aud": {"rp-client": 1}}, {}, "3. aud"),
    "a_trusted_audience_alone": (
        {"aud": ["api"], "azp": "rp-client"},
        {"trusted_audiences": ("api",)},
        "3. aud",
    ),
    "another_audience_that_is_not_trusted": (
        {"aud": ["rp-client", "api"], "azp": "rp-client"},
        {"trusted_audiences": ("other",)},
        "3. aud",
    ),
    "a_trusted_audience_without_azp": (
        {"aud": ["rp-client", "api"]},
        {"trusted_audiences": ("api",)},
        "4. azp",
    ),
    "azp_of_another_client": ({"azp": "other"}, {}, "5. azp"),
    "azp_as_a_list": ({"azp": ["rp-client"]}, {}, "5. azp"),
    "exp_missing": ({"exp": ...}, {}, "exp"),
    "exp_null": ({"exp": None}, {}, "exp"),
    "exp_as_text": ({"exp": str(NOW + 300)}, {}, "exp"),
    "exp_true": ({"exp": True}, {}, "exp"),
    "exp_beyond_all_dates": ({"exp": 1e300}, {}, "exp"),
    "exp_negative": ({"exp": -1}, {}, "exp"),
    "exp_just_beyond_the_leeway": ({"exp": NOW - 30}, {}, "9. exp"),
    "iat_missing": ({"iat": ...}, {}, "iat"),
    "iat_as_text": ({"iat": str(NOW)}, {}, "iat"),
    "iat_in_the_future": ({"iat": NOW + 31}, {}, "10. iat"),
    "iat_older_than_a_sign_in": ({"iat": NOW - 631}, {}, "10. iat"),
    "nbf_in_the_future": ({"nbf": NOW + 31}, {}, "nbf"),
    "nbf_null": ({"nbf": None}, {}, "nbf"),
    "acr_as_a_number": ({"acr": 1}, {}, "12. acr"),
    "amr_with_a_number_in_it": ({"amr": ["pwd", 1]}, {}, "amr"),
    "amr_as_an_object": ({"amr": {"mfa": True}}, {}, "amr"),
    "auth_time_missing_when_asked_for": ({}, {"max_age": 60}, "13. auth_time"),
    "auth_time_0_when_asked_for": ({"auth_time": 0}, {"max_age": 2_000_000_000}, "13. auth_time"),
    "auth_time_null_when_asked_for": ({"auth_time": None}, {"max_age": 60}, "13. auth_time"),
    "auth_time_as_text": ({"auth_time": str(NOW)}, {}, "auth_time"),
    "auth_time_true": ({"auth_time": True}, {"max_age": 60}, "auth_time"),
    "auth_time_older_than_max_age": ({"auth_time": NOW - 91}, {"max_age": 60}, "13. auth_time"),
    "auth_time_in_the_future": ({"auth_time": NOW + 31}, {}, "13. auth_time"),
    "sub_missing": ({"sub": ...}, {}, "sub"),
    "sub_empty": ({"sub": ""}, {}, "sub"),
    "sub_as_a_number": ({"sub": 1}, {}, "sub"),
    "sub_of_256_characters": ({"sub": "u" * 256}, {}, "sub"),
    "sub_with_a_line_break": ({"sub": "u1\nadmin"}, {}, "sub"),
    "sub_beyond_ascii": ({"sub": "ü1"}, {}, "sub"),
    "at_hash_of_another_access_token": (
        {"at_hash": at_hash("other")},
        {"access_token": "at"},
        "3.1.3.8 at_hash",
    ),
    "at_hash_as_a_number": ({"at_hash": 1}, {"access_token": "at"}, "3.1.3.8 at_hash"),
}


@pytest.mark.parametrize(("claims", "rules", "step"), BAD.values(), ids=BAD)
def test_token_is_refused_at_the_step_that_it_fails(
    op: Any, claims: dict[str, Any], rules: dict[str, Any], step: str
) -> None:
    with pytest.raises(TokenRejected) as caught:
        op.verify(op.token(op.claims(**claims)), **rules)
    assert (caught.value.step, caught.value.reason) == (step, Reason.LOGIN_TOKEN_REJECTED)


@pytest.mark.parametrize(
    "nonce", ["x", "", ..., None, 7, ["n-0S6_WzA2Mj-of-this-sign-in"], "n-0S6_WzA2Mj-of-this-sign-iñ"]
)
def test_nonce_of_another_sign_in_has_its_own_reason(op: Any, nonce: Any) -> None:
    with pytest.raises(TokenRejected) as caught:
        op.verify(op.token(op.claims(nonce=nonce)))
    assert caught.value.reason is Reason.LOGIN_NONCE_MISMATCH


def test_message_never_holds_the_nonce_that_was_sent(op: Any) -> None:
    with pytest.raises(TokenRejected) as caught:
        op.verify(op.token(op.claims(nonce="x")))
    assert op.nonce not in str(caught.value)


@pytest.mark.parametrize(
    ("alg", "key", "name"),
    [
        ("RS256", "k1", "sha256"),
        ("PS384", "k1", "sha384"),
        ("RS512", "k1", "sha512"),
        ("ES256", "ec", "sha256"),
        ("ES384", "ec384", "sha384"),
        ("EdDSA", "ed", "sha512"),
    ],
)
def test_at_hash_uses_the_hash_of_the_signature(op: Any, alg: str, key: str, name: str) -> None:
    op.settings = op.configure(allowed_algs=alg)
    op.provider = type(op.provider)(op.settings, op.provider.quirks)
    op.jwks = [op.jwk(key)]
    token = op.token(op.claims(at_hash=at_hash("at", name)), header={"kid": key}, key=key, alg=alg)
    assert op.verify(token, access_token="at")["sub"] == "u1"
    with pytest.raises(TokenRejected, match="at_hash"):
        op.verify(token, access_token="other")


CLOCKS: dict[str, tuple[dict[str, Any], dict[str, Any], str | None]] = {
    "our_clock_is_behind": ({"iat": NOW + 600, "exp": NOW + 900}, {}, "differ by about 600 s"),
    "our_clock_is_ahead": ({"iat": NOW - 700, "exp": NOW - 400}, {}, "differ by about 700 s"),
    "the_provider_says_what_time_it_is": (
        {"iat": NOW + 600, "exp": NOW + 900},
        {"answered_at": NOW + 602},
        "differ by about 602 s",
    ),
    "the_clocks_agree_and_the_token_is_old": (
        {"iat": NOW - 700, "exp": NOW - 400},
        {"answered_at": NOW + 1},
        None,
    ),
    "not_valid_yet": ({"nbf": NOW + 60, "iat": NOW}, {}, None),
}


@pytest.mark.parametrize(("claims", "rules", "hint"), CLOCKS.values(), ids=CLOCKS)
def test_times_that_are_off_are_told_as_a_difference_of_clocks(
    op: Any, claims: dict[str, Any], rules: dict[str, Any], hint: str | None
) -> None:
    with pytest.raises(TokenRejected) as caught:
        op.verify(op.token(op.claims(**claims)), **rules)
    assert ("clocks differ" in str(caught.value)) == (hint is not None)
    assert hint is None or hint in str(caught.value)


def test_second_reading_by_authlib_can_refuse_what_ours_let_through(
    op: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_check_audience", lambda claims, rules: None)
    with pytest.raises(TokenRejected) as caught:
        op.verify(op.token(op.claims(aud="other")))
    assert caught.value.step == "second check"


@pytest.mark.parametrize("token", [None, 7, ["a.b.c"], {"id_token": "a.b.c"}, ""])
def test_id_token_that_is_no_text_is_refused(op: Any, token: Any) -> None:
    with pytest.raises(TokenRejected):
        op.verify(token)
    assert op.world.asked == []


def test_signature_of_a_key_that_was_exchanged_under_its_kid_is_tried_with_new_keys_once(op: Any) -> None:
    op.verify(op.token())
    op.jwks = [op.jwk("k2", kid="k1")]
    assert op.verify(op.token(key="k2"))["sub"] == "u1"
    assert op.world.asked.count(op.jwks_url) == 2
    for _ in range(3):
        with pytest.raises(TokenRejected, match="not good"):
            op.verify(op.token(key="k3"))
    assert op.world.asked.count(op.jwks_url) == 2


def test_missing_key_and_bad_signature_are_told_apart(op: Any) -> None:
    with pytest.raises(TokenRejected, match="no key for kid 'zz'"):
        op.verify(op.token(header={"kid": "zz"}))
    assert op.world.asked.count(op.jwks_url) == 1
    with pytest.raises(TokenRejected, match="signature is not good"):
        op.verify(op.token(key="k2"))


def test_no_keys_to_verify_with_is_the_providers_fault_and_no_verdict_on_the_token(op: Any) -> None:
    op.world.table[op.jwks_url] = op.down
    with pytest.raises(ProviderUnavailable):
        op.verify(op.token())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    [
        "iss",
        "sub",
        "aud",
        "azp",
        "exp",
        "iat",
        "nbf",
        "nonce",
        "acr",
        "amr",
        "auth_time",
        "at_hash",
        "jti",
        "x",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(_NAMES, _JSON, max_size=4))
def test_signed_token_with_any_claims_ends_in_an_answer_or_a_refusal(
    op: Any, changes: dict[str, Any]
) -> None:
    with suppress(TokenRejected):
        op.verify(op.token(op.claims(**changes)), max_age=60, access_token="at")


@pytest.mark.parametrize("name", ["iss", "aud", "azp", "exp", "acr", "amr", "sub", "at_hash"])
def test_message_of_a_refusal_is_one_line_whatever_the_token_holds(op: Any, name: str) -> None:
    with pytest.raises(TokenRejected) as caught:
        op.verify(op.token(op.claims(**{name: ["a\r\nb\x1b", 1]})), access_token="at")
    assert str(caught.value).isprintable()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    token=st.text(max_size=60)
    | st.lists(st.text(alphabet="ABCabc019-_=", max_size=30), min_size=1, max_size=5).map(".".join)
)
def test_any_text_ends_in_a_refusal(op: Any, token: str) -> None:
    with pytest.raises(ProviderError):
        op.verify(token)

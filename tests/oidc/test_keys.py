"""Key sets: what a published key may verify, and which ones are tried."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed448
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from idaware.errors import ProviderMisbehaved
from idaware.oidc.jose import ALGORITHMS
from idaware.oidc.keys import MAX_KEYS, MAX_KEYS_TRIED, fits, parse_key_set

ALGS = ("RS256", "PS256", "ES256", "EdDSA")


def candidates(keys: list[Any], kid: str | None, alg: str) -> int:
    return len(parse_key_set({"keys": keys}, ALGS).candidates(kid, alg))


@pytest.mark.parametrize(
    ("name", "alg"), [("k1", "RS256"), ("k1", "PS256"), ("ec", "ES256"), ("ed", "EdDSA")]
)
def test_key_is_found_by_its_kid_for_an_algorithm_of_its_type(op: Any, name: str, alg: str) -> None:
    keys = [op.jwk("k1"), op.jwk("ec"), op.jwk("ed")]
    (key,) = parse_key_set({"keys": keys}, ALGS).candidates(name, alg)
    assert key.algorithm_name == alg


UNFIT: dict[str, tuple[str, dict[str, Any], str]] = {
    "another_kid": ("k1", {"kid": "zz"}, "RS256"),
    "a_kid_that_is_a_number": ("k1", {"kid": 1}, "RS256"),
    "for_encryption": ("k1", {"use": "enc"}, "RS256"),
    "use_in_other_case": ("k1", {"use": "SIG"}, "RS256"),
    "for_another_algorithm": ("k1", {"alg": "PS256"}, "RS256"),
    "for_an_encryption_algorithm": ("k1", {"alg": "RSA-OAEP"}, "RS256"),
    "for_signing_only": ("k1", {"key_ops": ["sign"]}, "RS256"),
    "key_ops_as_a_text": ("k1", {"key_ops": "verify"}, "RS256"),
    "private": ("k1", {"d": "AQAB"}, "RS256"),
    "weak": ("weak", {"kid": "k1"}, "RS256"),
    "another_curve": ("ec384", {"kid": "k1"}, "ES256"),
    "another_curve_under_a_false_name": ("ec384", {"kid": "k1", "crv": "P-256"}, "ES256"),
    "no_curve": ("ec", {"kid": "k1", "crv": ...}, "ES256"),
    "curve_448": ("ed", {"kid": "k1", "crv": "Ed448"}, "EdDSA"),
    "rsa_for_es256": ("k1", {}, "ES256"),
    "ec_for_rs256": ("ec", {"kid": "k1"}, "RS256"),
    "ec_called_rsa": ("ec", {"kid": "k1", "kty": "RSA"}, "RS256"),
    "symmetric": ("k1", {"kty": "oct", "k": "AAAA"}, "RS256"),
    "no_type": ("k1", {"kty": ...}, "RS256"),
    "type_as_a_list": ("k1", {"kty": ["RSA"]}, "RS256"),
    "no_modulus": ("k1", {"n": ...}, "RS256"),
    "modulus_as_a_number": ("k1", {"n": 3}, "RS256"),
    "modulus_with_padding": ("k1", {"n": "AQAB="}, "RS256"),
    "exponent_one": ("k1", {"e": "AQ"}, "RS256"),
    "point_of_another_length": ("ec", {"kid": "k1", "x": "AQAB"}, "ES256"),
    "point_not_on_the_curve": ("ec", {"kid": "k1", "x": "A" * 43}, "ES256"),
    "ed_key_of_another_length": ("ed", {"kid": "k1", "x": "AQAB"}, "EdDSA"),
    "not_an_object": ("", {}, "RS256"),
}


@pytest.mark.parametrize(("name", "members", "alg"), UNFIT.values(), ids=UNFIT)
def test_key_that_is_not_meant_or_not_fit_for_it_verifies_nothing(
    op: Any, name: str, members: dict[str, Any], alg: str
) -> None:
    unfit: Any = op.jwk(name, **members) if name else "k1"
    assert candidates([unfit], "k1", alg) == 0
    assert candidates([unfit, op.jwk("k2")], "k2", "RS256") == 1  # and it is in nobody's way


def test_private_key_in_a_public_set_verifies_nothing(op: Any) -> None:
    for name, alg, algorithm in (("k1", "RS256", RSAAlgorithm), ("ed", "EdDSA", OKPAlgorithm)):
        jwk = algorithm.to_jwk(op.private[name], as_dict=True)
        jwk.pop("key_ops", None)
        assert candidates([{**jwk, "kid": "k1"}], "k1", alg) == 0


def test_key_on_the_other_edwards_curve_verifies_nothing(op: Any) -> None:
    jwk = OKPAlgorithm.to_jwk(ed448.Ed448PrivateKey.generate().public_key(), as_dict=True)
    assert candidates([{**jwk, "kid": "k1"}], "k1", "EdDSA") == 0


def test_key_material_has_one_spelling(op: Any) -> None:
    jwk = op.jwk("k1")
    assert candidates([{**jwk, "n": jwk["n"] + "=="}], "k1", "RS256") == 0


def test_rsa_key_that_would_cost_milliseconds_is_left_out(op: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idaware.oidc.keys.MAX_RSA_BITS", 2047)
    assert candidates([op.jwk("k1")], "k1", "RS256") == 0


def test_key_without_use_alg_and_key_ops_serves(op: Any) -> None:
    assert candidates([op.jwk("k1", use=...)], "k1", "RS256") == 1
    assert candidates([op.jwk("k1", use=..., key_ops=["verify"], alg="RS256")], "k1", "RS256") == 1


def test_algorithms_that_are_not_configured_have_no_keys(op: Any) -> None:
    assert parse_key_set({"keys": [op.jwk("k1")]}, ("ES256",)).candidates("k1", "RS256") == ()
    assert not any(fits({"kty": "oct", "k": "AAAA"}, alg) for alg in (*ALGORITHMS, "HS256", "none"))


def test_token_without_kid_is_tried_with_the_only_key_that_fits(op: Any) -> None:
    assert candidates([op.jwk("k1"), op.jwk("ec")], None, "RS256") == 1


def test_token_without_kid_is_never_tried_with_one_of_several_named_keys(op: Any) -> None:
    assert candidates([op.jwk("k1"), op.jwk("k2")], None, "RS256") == 0


def test_token_without_kid_is_tried_with_a_few_keys_that_have_none(op: Any) -> None:
    unnamed = [op.jwk(name, kid=...) for name in ("k1", "k2", "k3")]
    assert candidates([*unnamed, op.jwk("k1")], None, "RS256") == 3
    assert candidates(unnamed * 3, None, "RS256") == MAX_KEYS_TRIED


def test_keys_that_share_a_kid_are_all_tried_up_to_the_bound(op: Any) -> None:
    shared = [op.jwk(name, kid="same") for name in ("k1", "k2", "ec")]
    assert candidates(shared, "same", "RS256") == 2
    assert candidates(shared * 4, "same", "RS256") == MAX_KEYS_TRIED


@pytest.mark.parametrize("body", [None, [], "keys", {}, {"keys": None}, {"keys": {"k1": {}}}])
def test_answer_that_is_no_key_set_is_the_providers_fault(body: Any) -> None:
    with pytest.raises(ProviderMisbehaved, match="JWK Set"):
        parse_key_set(body, ALGS)


def test_key_set_has_a_bound() -> None:
    assert parse_key_set({"keys": [{}] * MAX_KEYS}, ALGS).by_alg == {}
    with pytest.raises(ProviderMisbehaved, match="at most"):
        parse_key_set({"keys": [{}] * (MAX_KEYS + 1)}, ALGS)


_VALUE = st.none() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=4), max_size=2)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"kty": st.sampled_from(["RSA", "EC", "OKP", "oct"])},
            optional={
                "crv": st.sampled_from(["P-256", "Ed25519", "P-521"]),
                **{
                    name: _VALUE | st.sampled_from(["AQAB", "A" * 43])
                    for name in ("n", "e", "x", "y", "kid", "k")
                },
            },
        ),
        max_size=3,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_listed_keys_are_left_out_or_read(keys: list[Any]) -> None:
    parse_key_set({"keys": keys}, ALGS)

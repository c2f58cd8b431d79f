"""Framing: a token has exactly one spelling, and its header says nothing about how it is to be checked."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.errors import TokenRejected
from idaware.oidc.jose import (
    ALGORITHMS,
    ID_TOKEN,
    MAX_ID_TOKEN_BYTES,
    MAX_JSON_DEPTH,
    MAX_TOKEN_BYTES,
    TokenKind,
    decode_base64url,
    parse_json_object,
    parse_jws,
    verify_signature,
)
from idaware.oidc.keys import parse_key_set
from idaware.reasons import Reason

ACCESS_TOKEN = TokenKind("access token", frozenset({"at+jwt", "application/at+jwt"}), Reason.TOKEN_INVALID)
ALGS = ("RS256", "ES256")


def refused(token: Any, kind: TokenKind = ID_TOKEN, algs: tuple[str, ...] = ALGS) -> TokenRejected:
    with pytest.raises(TokenRejected) as caught:
        parse_jws(token, kind=kind, algs=algs)
    return caught.value


def test_parsed_token_has_its_parts(op: Any) -> None:
    jws = parse_jws(op.token(), kind=ID_TOKEN, algs=ALGS)
    assert (jws.alg, jws.kid, jws.claims["sub"], jws.header["typ"]) == ("RS256", "k1", "u1", "JWT")


def test_representation_of_a_token_shows_neither_it_nor_its_claims(op: Any) -> None:
    token = op.token()
    shown = repr(parse_jws(token, kind=ID_TOKEN, algs=ALGS))
    assert token not in shown
    assert op.nonce not in shown


@pytest.mark.parametrize("token", [None, 7, ["a.b.c"], b"a.b.c"])
def test_token_is_a_text(token: Any) -> None:
    assert refused(token).step == "RFC 7515 7.1"


@pytest.mark.parametrize("parts", [1, 2, 4, 5], ids=lambda parts: f"{parts}_parts")
def test_token_has_exactly_three_parts(op: Any, parts: int) -> None:
    token = ".".join((op.token().split(".") * 2)[:parts])
    assert f"this one has {parts}" in str(refused(token))


def test_id_token_beyond_64_kib_is_not_read(op: Any) -> None:
    long = op.token(op.claims(x="y" * MAX_ID_TOKEN_BYTES))
    assert refused(long).step == "size"


def test_id_token_with_300_directory_groups_is_read(op: Any) -> None:
    groups = [str(uuid.UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)) for n in range(300)]
    token = op.token(op.claims(groups=groups, padding="x" * 500))
    assert len(token) > MAX_TOKEN_BYTES
    assert parse_jws(token, kind=ID_TOKEN, algs=ALGS).claims["groups"] == groups


def test_other_tokens_are_not_read_beyond_16_kib(op: Any) -> None:
    long = op.token(op.claims(x="y" * MAX_TOKEN_BYTES))
    assert refused(long, ACCESS_TOKEN).step == "size"


@pytest.mark.parametrize(
    "spelling",
    [
        lambda t: t + "=",
        lambda t: t + "==",
        lambda t: t + "\n",
        lambda t: " " + t,
        lambda t: t.replace(".", "!.", 1),
        lambda t: t.replace(".", "+.", 1),
        lambda t: t.replace(".", "\u0430.", 1),
        lambda t: "." + t.split(".", 1)[1],
        lambda t: t.rsplit(".", 1)[0] + ".",
        lambda t: t.rsplit(".", 1)[0] + ".AAAAA",
        lambda t: t[:-1] + chr(ord(t[-1]) + 1) if t[-1] in "AQgw" else t + "A",
    ],
    ids=[
        "padded_once",
        "padded_twice",
        "line_break",
        "leading_space",
        "exclamation_mark",
        "plain_base64",
        "letter_that_looks_alike",
        "no_header",
        "no_signature",
        "impossible_length",
        "unused_bits_set",
    ],
)
def test_every_other_spelling_of_a_token_is_refused(op: Any, spelling: Any) -> None:
    assert refused(spelling(op.token())).step == "RFC 7515 2"


@given(st.binary(min_size=1, max_size=40), st.data())
@settings(max_examples=200, deadline=None)
def test_base64url_text_has_one_value_and_a_value_one_text(data: bytes, draw: st.DataObject) -> None:
    from base64 import urlsafe_b64encode

    text = urlsafe_b64encode(data).rstrip(b"=").decode()
    assert decode_base64url(text) == data
    last = draw.draw(
        st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_").filter(
            lambda character: character != text[-1]
        )
    )
    with suppress(ValueError):
        assert decode_base64url(text[:-1] + last) != data


HEADERS: dict[str, dict[str, Any]] = {
    "alg_missing": {"alg": ...},
    "alg_null": {"alg": None},
    "alg_none": {"alg": "none"},
    "alg_none_in_other_case": {"alg": "nOnE"},
    "alg_as_a_list": {"alg": ["RS256"]},
    "alg_in_other_case": {"alg": "rs256"},
    "alg_with_a_space": {"alg": "RS256 "},
    "alg_not_configured": {"alg": "PS256"},
    "alg_symmetric": {"alg": "HS256"},
    "crit": {"crit": ["exp"]},
    "crit_empty": {"crit": []},
    "b64": {"b64": True},
    "jku": {"jku": "https://evil.example/jwks"},
    "jwk": {"jwk": {"kty": "RSA"}},
    "x5u": {"x5u": "https://evil.example/c.pem"},
    "x5c": {"x5c": ["MII"]},
    "jku_null": {"jku": None},
    "kid_null": {"kid": None},
    "kid_as_a_number": {"kid": 1},
    "kid_as_a_list": {"kid": ["k1"]},
    "typ_of_an_access_token": {"typ": "at+jwt"},
    "typ_of_a_logout_token": {"typ": "logout+jwt"},
    "typ_of_a_security_event": {"typ": "secevent+jwt"},
    "typ_null": {"typ": None},
    "typ_as_a_list": {"typ": ["JWT"]},
    "typ_empty": {"typ": ""},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_header_is_refused(op: Any, header: dict[str, Any]) -> None:
    assert refused(op.token(header=header)).reason is Reason.LOGIN_TOKEN_REJECTED


@pytest.mark.parametrize("typ", ["JWT", "jwt", "Jwt", ...])
def test_id_token_is_typed_jwt_or_not_at_all(op: Any, typ: Any) -> None:
    assert parse_jws(op.token(header={"typ": typ}), kind=ID_TOKEN, algs=ALGS).claims["sub"] == "u1"


def test_another_kind_of_token_has_its_own_types_and_its_own_reason(op: Any) -> None:
    access_token = op.token(header={"typ": "at+jwt"})
    assert parse_jws(access_token, kind=ACCESS_TOKEN, algs=ALGS).claims["sub"] == "u1"
    assert refused(access_token).step == "RFC 8725 3.11"
    for typ in ("JWT", ...):
        assert refused(op.token(header={"typ": typ}), ACCESS_TOKEN).reason is Reason.TOKEN_INVALID


@pytest.mark.parametrize("alg", ["none", "HS256", "HS512", "ES256K"])
def test_configuration_cannot_bring_back_an_algorithm_that_is_never_accepted(op: Any, alg: str) -> None:
    assert alg not in ALGORITHMS
    assert refused(op.token(header={"alg": alg}), algs=(alg, "RS256")).step == "RFC 7515 4.1.1"


BODIES: dict[str, bytes] = {
    "with_a_byte_order_mark": b"\xef\xbb\xbf{}",
    "in_utf_16": '{"iss":"x"}'.encode("utf-16"),
    "in_utf_16_without_mark": '{"iss":"x"}'.encode("utf-16-le"),
    "not_utf_8": b'{"iss":"\xff"}',
    "overlong_utf_8": b'{"iss":"\xc0\xaf"}',
    "a_list": b"[]",
    "a_text": b'"x"',
    "null": b"null",
    "nothing": b" ",
    "two_documents": b"{} {}",
    "a_name_twice": b'{"iss":"a","iss":"b"}',
    "a_name_twice_in_another_spelling": b'{"iss":"a","i\\u0073s":"b"}',
    "a_name_twice_further_in": b'{"x":{"a":1,"a":1}}',
    "nan": b'{"exp":NaN}',
    "infinity": b'{"exp":-Infinity}',
    "a_number_that_overflows": b'{"exp":1e999}',
    "a_number_of_5000_digits": b'{"x":' + b"9" * 5000 + b"}",
    "a_number_of_33_digits": b'{"x":' + b"9" * 33 + b"}",
    "a_fraction_of_5000_digits": b'{"x":0.' + b"9" * 5000 + b"}",
    "nested_too_deep": b'{"x":' + b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH + b"}",
    "nested_endlessly": b'{"x":' * 6000,
    "a_lone_surrogate": b'{"x":"\\ud800"}',
    "a_lone_surrogate_as_a_name": b'{"\\uDC00":1}',
    "an_open_text": b'{"x":"[[[[[',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_json_that_can_be_read_in_two_ways_or_not_at_all_is_refused(op: Any, body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json_object(body)
    if len(body) < 8000:
        assert "payload" in str(refused(op.token(body)))
        assert "header" in str(refused(op.token(raw_header=body)))


def test_ordinary_json_is_read() -> None:
    depth = MAX_JSON_DEPTH - 1
    texts = {"brackets": "[" * 500 + '\\"{', "pair": "\U0001f600", "escaped": "é"}
    deep = json.loads("[" * depth + "]" * depth)
    body = {**texts, "deep": deep, "wide": [[]] * 500, "n": -12, "f": 1.5, "none": None}
    assert parse_json_object(json.dumps(body).encode()) == body


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_an_object_or_an_error_of_value(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(parse_json_object(data), dict)


def test_signature_counts_only_under_a_key_for_the_algorithm_of_the_token(op: Any) -> None:
    jws = parse_jws(op.token(), kind=ID_TOKEN, algs=ALGS)
    keys = parse_key_set({"keys": [op.jwk("k1")]}, ("RS256", "PS256"))
    assert verify_signature(jws, keys.candidates("k1", "RS256"))
    assert not verify_signature(jws, keys.candidates("k1", "PS256"))
    assert not verify_signature(jws, ())


def test_one_good_key_among_several_is_enough(op: Any) -> None:
    jws = parse_jws(op.token(), kind=ID_TOKEN, algs=ALGS)
    keys = parse_key_set({"keys": [op.jwk("k2", kid=...), op.jwk("k1", kid=...)]}, ALGS)
    assert verify_signature(jws, keys.candidates(None, "RS256"))
    assert not verify_signature(jws, keys.candidates(None, "RS256")[:1])

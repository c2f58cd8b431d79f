"""How one value is read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from idaware.settings import kinds
from idaware.settings.client_key import signing_alg
from idaware.settings.kinds import BOOLEAN, DURATION, MalformedError, NotYetError

PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHunter2\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [("90s", 90), ("15m", 900), ("8h", 28_800), ("7d", 604_800), (timedelta(minutes=3), 180), (" 1s ", 1)],
)
def test_a_duration_is_read_with_its_unit(raw, seconds):
    value = DURATION.read(raw)
    assert value == seconds
    assert type(value) is int


@pytest.mark.parametrize(
    "raw",
    ["90", "0s", "-1s", "1.5h", "1h30m", "1 h", "1H", "h", "", "9999999s", "٣s", timedelta(0),
     timedelta(seconds=-1), timedelta(milliseconds=1500), 90, 90.0],
)  # fmt: skip
def test_what_is_no_duration_is_refused(raw):
    with pytest.raises(MalformedError):
        DURATION.read(raw)


@pytest.mark.parametrize("raw", [True, "true", "True", "TRUE"])
def test_true_is_true(raw):
    assert BOOLEAN.read(raw) is True


@pytest.mark.parametrize("raw", [False, "false", "False"])
def test_false_is_false(raw):
    assert BOOLEAN.read(raw) is False


@pytest.mark.parametrize("raw", ["yes", "no", "1", "0", "on", "", 1, 0])
def test_no_other_word_is_a_boolean(raw):
    with pytest.raises(MalformedError):
        BOOLEAN.read(raw)


def test_a_word_of_a_closed_set_is_read():
    assert kinds.one_of("a", "b").read("b") == "b"


def test_a_word_outside_a_closed_set_is_refused():
    with pytest.raises(MalformedError):
        kinds.one_of("a", "b").read("c")


def test_a_word_of_a_later_release_is_told_apart():
    with pytest.raises(NotYetError, match="'c'"):
        kinds.one_of("a", later=("c",)).read("c")


@pytest.mark.parametrize("raw", ["a\tb", "a\nb", "a\x00b", "a\x1b[0m", "a\udcffb", "a\u200bb", "x" * 2049])
def test_text_that_cannot_be_printed_or_is_endless_is_refused(raw):
    with pytest.raises(MalformedError):
        kinds.text("text").read(raw)


@pytest.mark.parametrize("raw", ["a,,b", ",a", "a,", ["a", " "]])
def test_an_empty_member_of_a_list_is_refused(raw):
    with pytest.raises(MalformedError, match="empty"):
        kinds.matching("things", ".+").read(raw)


def test_a_member_twice_counts_once_and_the_order_stays():
    assert kinds.matching("things", ".+").read("b,a,b") == ("b", "a")


@pytest.mark.parametrize("raw", [{"b", "a"}, frozenset({"a", "b"})])
def test_a_set_is_read_in_a_stable_order(raw):
    assert kinds.matching("things", ".+").read(raw) == ("a", "b")


def test_a_member_that_does_not_match_is_named():
    with pytest.raises(MalformedError, match="'B' is not one"):
        kinds.matching("things", "[a-z]+").read("a,B")


def test_a_word_that_is_not_in_the_list_is_named():
    with pytest.raises(MalformedError, match="'c' is none of them"):
        kinds.words("a", "b", noun="letters").read("a,c")


PAIRS = kinds.pairs_of("pairs", lambda name, value: (name, value), str.lower)


@pytest.mark.parametrize("raw", ["a=1, b = 2=3", {"a": "1", "b": "2=3"}, ["a=1", "b=2=3"]])
def test_pairs_are_read(raw):
    assert PAIRS.read(raw) == (("a", "1"), ("b", "2=3"))


@pytest.mark.parametrize("raw", ["a", "=1", "a=1,b", "a=1,A=2", {"a": "1", "A": "2"}, 5])
def test_what_are_no_pairs_is_refused(raw):
    with pytest.raises(MalformedError):
        PAIRS.read(raw)


# --- secrets


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_the_line_break_at_the_end_of_a_secret_does_not_count(end):
    assert kinds.SECRET.read(f" hush {end}").reveal() == " hush "


@pytest.mark.parametrize("raw", ["", "\n", " ", "two\nlines", "bell\x07", "\ufeffmarked", "broken\udcff"])
def test_what_is_no_secret_is_refused_without_showing_it(raw):
    with pytest.raises(MalformedError) as caught:
        kinds.SECRET.read(raw)
    assert not raw.strip() or raw not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def pem_of(key, form=PrivateFormat.PKCS8):
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("pem", "alg"),
    [
        (pem_of(RSA), "RS256"),
        (pem_of(RSA, PrivateFormat.TraditionalOpenSSL), "RS256"),
        (pem_of(EC, PrivateFormat.TraditionalOpenSSL), "ES256"),
        (pem_of(ec.generate_private_key(ec.SECP384R1())), "ES384"),
        (pem_of(ec.generate_private_key(ec.SECP521R1())), "ES512"),
    ],
    ids=["PKCS 8", "RSA PRIVATE KEY", "EC PRIVATE KEY", "P-384", "P-521"],
)
def test_a_private_key_is_read(pem, alg):
    assert kinds.PRIVATE_KEY.read(pem).reveal() == pem.strip()
    assert signing_alg(pem) == alg


@pytest.mark.parametrize(
    "pem",
    [
        PEM,
        pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        pem_of(ed25519.Ed25519PrivateKey.generate()),
        pem_of(ec.generate_private_key(ec.SECP256K1())),
    ],
    ids=["no key inside", "a short one", "of another kind", "on another curve"],
)
def test_a_private_key_that_cannot_sign_for_us_is_refused(pem):
    with pytest.raises(MalformedError, match="it is not an RSA key of 2048 bits or more, or an EC key"):
        kinds.PRIVATE_KEY.read(pem)


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "hunter2",
        PEM.replace("PRIVATE", "PUBLIC"),
        PEM.replace("-----END PRIVATE KEY-----", ""),
        PEM + PEM,
        PEM.replace("END PRIVATE", "END RSA PRIVATE"),
        '{"kty": "EC"}',
    ],
    ids=["empty", "text", "public", "cut off", "two", "labels differ", "a JWK"],
)
def test_what_is_no_private_key_is_refused(pem):
    with pytest.raises(MalformedError):
        kinds.PRIVATE_KEY.read(pem)


@pytest.mark.parametrize(
    "pem",
    [PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"), PEM.replace("\nMC4", "\nProc-Type: 4,ENCRYPTED\n\nMC4")],
)
def test_an_encrypted_private_key_is_refused_with_the_reason(pem):
    with pytest.raises(MalformedError, match="encrypted"):
        kinds.PRIVATE_KEY.read(pem)


@pytest.mark.parametrize("separator", [",", "\n", "\r\n", " , ", "\n\n"])
def test_keys_are_separated_by_lines_or_commas(key, separator):
    keys = kinds.KEYS.read(key + separator + key[::-1] + "\n")
    assert [secret.reveal() for secret in keys] == [key, key[::-1]]


def test_keys_come_as_a_list_too(key):
    assert kinds.KEYS.read([kinds.Secret(key), key[::-1]]) == kinds.KEYS.read(f"{key},{key[::-1]}")


@pytest.mark.parametrize("raw", ["", ",", "\n , \n"])
def test_no_key_at_all_is_refused(raw):
    with pytest.raises(MalformedError, match="empty"):
        kinds.KEYS.read(raw)


def test_the_same_key_twice_is_refused(key):
    with pytest.raises(MalformedError, match="twice"):
        kinds.KEYS.read(f"{key},{key}")


def test_the_weak_one_of_several_keys_is_named_by_its_place(key):
    with pytest.raises(MalformedError, match=r"key 2 has 5 bytes.*idaware init") as caught:
        kinds.KEYS.read(f"{key},short")
    assert key not in str(caught.value)


def test_a_key_that_cannot_be_printed_is_refused(key):
    with pytest.raises(MalformedError, match="printed"):
        kinds.KEY.read(key + "\x00" + key[::-1])


def test_a_single_key_is_read(key):
    assert kinds.KEY.read(key + "\n").reveal() == key

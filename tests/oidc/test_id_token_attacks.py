"""``tests/corpora/id_token_attacks.jsonl``, every case by its name, built here or named as covered elsewhere.

A builder gets the provider on paper and does what the case's ``build`` says. It returns attempts: functions
that sign in, or read a person, and give whatever a sign-in would then go on with. A case that must be
rejected is rejected in *each* of its attempts; one that must be accepted, accepted in each.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from idaware.effects import JsonAnswer
from idaware.errors import ProviderError, ProviderMisbehaved, ProviderUnavailable
from idaware.identity import Wanted
from idaware.oidc.claims import read_person, read_userinfo
from idaware.oidc.discovery import parse_metadata
from idaware.oidc.protocol import read_token_response
from idaware.oidc.tokens import MAX_ISSUED_AGE_SECONDS

CORPUS = Path(__file__).parent.parent / "corpora" / "id_token_attacks.jsonl"
CASES: dict[str, dict[str, str]] = {
    case["id"]: case for case in map(json.loads, CORPUS.read_text("utf-8").splitlines())
}

COVERED_ELSEWHERE = {
    "IT-115": "the login flow: a callback without state makes no token request",
    "IT-117": "the login flow: iss in the response is compared before the code goes anywhere",
    "IT-119": "the login flow: duplicate parameters in a callback",
    "IT-121": "the login flow and the pages: an error_description is escaped",
    "IT-127": "the login flow: there is no JARM; a callback is read in the configured response mode alone",
    "IT-129": "the adapters: Host is checked, redirect_uri comes out of the base URL",
    "IT-131": "session stores: the cookie store keeps no refresh token; a renewal is a whole sign-in",
    "IT-133": "session stores: as above; a renewal has a nonce of its own (IT-089)",
    "IT-135": "session stores: as above",
    "IT-137": "session stores: as above; the provider being down is IT-045",
}

Attempt = Callable[[], Any]
Builder = Callable[[Any], Iterator[Attempt]]
BUILDERS: dict[str, Builder] = {}


def case(number: str) -> Callable[[Builder], Builder]:
    def register(builder: Builder) -> Builder:
        assert f"IT-{number}" not in BUILDERS
        BUILDERS[f"IT-{number}"] = builder
        return builder

    return register


def with_claims(number: str, *changes: dict[str, Any], **rules: Any) -> None:
    """A case that alters claims of an otherwise good and well signed token."""

    @case(number)
    def build(op: Any) -> Iterator[Attempt]:
        for change in changes:
            yield lambda change=change: op.verify(op.token(op.claims(**change)), **rules)


def with_header(number: str, *changes: dict[str, Any], alg: str = "RS256", key: str = "k1") -> None:
    """A case that alters the header of an otherwise good token, before it is signed."""

    @case(number)
    def build(op: Any) -> Iterator[Attempt]:
        for change in changes:
            yield lambda change=change: op.verify(op.token(header=change, alg=alg, key=key))


NOW = 1_800_000_000

# -- controls
with_claims("001", {})
with_claims("003", {"exp": NOW + 300.5})
with_header("005", {"kid": ...})
with_claims("007", {"realm_access": {"roles": ["a", "b"]}, "groups": [f"group-{n}" for n in range(200)]})


# -- algorithm
@case("009")
def none_in_other_case(op: Any) -> Iterator[Attempt]:
    for alg in ("nOnE", "none", "NONE"):
        unsigned = f"{op.b64({'alg': alg, 'kid': 'k1'})}.{op.b64(op.claims())}."
        yield lambda unsigned=unsigned: op.verify(unsigned)
        yield lambda alg=alg: op.verify(op.token(header={"alg": alg}))


with_header("011", {"alg": ...})


@case("013")
def hmac_with_the_public_key(op: Any) -> Iterator[Attempt]:
    jwk = op.jwks[0]
    for secret in (json.dumps(jwk), json.dumps(jwk, separators=(",", ":")), jwk["n"]):
        signing_input = f"{op.b64({'alg': 'HS256', 'kid': 'k1'})}.{op.b64(op.claims())}"
        mac = hmac.digest(secret.encode(), signing_input.encode(), "sha256")
        token = f"{signing_input}.{op.b64(mac)}"
        yield lambda token=token: op.verify(token)
        yield lambda token=token: op.verify(token, algs=("RS256", "HS256"))


@case("015")
def pss_while_only_pkcs1_is_configured(op: Any) -> Iterator[Attempt]:
    yield lambda: op.verify(op.token(alg="PS256"), algs=("RS256",))


@case("017")
def ec_signature_under_the_kid_of_an_rsa_key(op: Any) -> Iterator[Attempt]:
    yield lambda: op.verify(op.token(alg="ES256", key="ec"))


@case("019")
def key_for_another_algorithm(op: Any) -> Iterator[Attempt]:
    op.jwks = [op.jwk("k1", alg="PS256")]
    yield lambda: op.verify(op.token())


# -- signature
@case("021")
def no_signature(op: Any) -> Iterator[Attempt]:
    yield lambda: op.verify(op.token().rsplit(".", 1)[0] + ".")
    yield lambda: op.verify(op.token().rsplit(".", 1)[0])


@case("023")
def extra_segment(op: Any) -> Iterator[Attempt]:
    yield lambda: op.verify(op.token() + ".x")
    yield lambda: op.verify(op.token() + ".")


@case("025")
def payload_exchanged(op: Any) -> Iterator[Attempt]:
    head, _, signature = op.token().split(".")
    yield lambda: op.verify(f"{head}.{op.b64(op.claims(sub='admin'))}.{signature}")


@case("027")
def padding(op: Any) -> Iterator[Attempt]:
    yield lambda: op.verify(op.token() + "==")
    yield lambda: op.verify(op.token() + "=")


@case("029")
def der_signature(op: Any) -> Iterator[Attempt]:
    op.jwks = [op.jwk("ec", kid="k1")]
    signing_input = f"{op.b64({'alg': 'ES256', 'kid': 'k1'})}.{op.b64(op.claims())}"
    der = op.private["ec"].sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    assert op.verify(f"{signing_input}.{op.b64(op.sign(signing_input, 'ec', 'ES256'))}")
    yield lambda: op.verify(f"{signing_input}.{op.b64(der)}")
    yield lambda: op.verify(f"{signing_input}.{op.b64(bytes(64))}")


# -- keys
@case("031")
def embedded_key(op: Any) -> Iterator[Attempt]:
    attacker = op.jwk("k2", kid="k1")
    yield lambda: op.verify(op.token(header={"jwk": attacker}, key="k2"))
    yield lambda: op.verify(op.token(header={"jwk": attacker}))


@case("033")
def key_by_url(op: Any) -> Iterator[Attempt]:
    for name in ("x5u", "jku"):
        yield lambda name=name: op.verify(op.token(header={name: "https://evil.example/c.pem"}))
    assert op.world.asked == []  # no request went out, to nobody


@case("035")
def unknown_kid(op: Any) -> Iterator[Attempt]:
    op.verify(op.token())
    for _ in range(5):
        yield lambda: op.verify(op.token(header={"kid": "zz"}))
    assert op.world.asked.count(op.jwks_url) == 2  # one more, then the cool-down


with_header("037", {"kid": ["k1"]}, {"kid": None}, {"kid": 1})


@case("039")
def several_keys_without_kid(op: Any) -> Iterator[Attempt]:
    op.jwks = [op.jwk(name, kid=...) for name in ("k1", "k2", "k3")]
    yield lambda: op.verify(op.token(header={"kid": ...}, key="k2"))


@case("041")
def symmetric_key_in_the_set(op: Any) -> Iterator[Attempt]:
    secret = b"a symmetric key of thirty-two by"
    op.jwks = [{"kty": "oct", "kid": "k1", "k": op.b64(secret)}]
    signing_input = f"{op.b64({'alg': 'HS256', 'kid': 'k1'})}.{op.b64(op.claims())}"
    token = f"{signing_input}.{op.b64(hmac.digest(secret, signing_input.encode(), 'sha256'))}"
    yield lambda: op.verify(token)
    yield lambda: op.verify(token, algs=("HS256", "RS256"))


@case("043")
def key_added_after_the_set_was_cached(op: Any) -> Iterator[Attempt]:
    op.verify(op.token())
    op.jwks.append(op.jwk("k2"))
    yield lambda: op.verify(op.token(header={"kid": "k2"}, key="k2"))


@case("045")
def no_keys_to_be_had(op: Any) -> Iterator[Attempt]:
    for number, failure in enumerate(
        (
            ProviderUnavailable("500"),
            JsonAnswer(200, None, content_type="text/html"),
            ProviderMisbehaved("larger than 1 MiB"),
            ProviderMisbehaved("a redirect"),
        )
    ):
        op.world.table[op.jwks_url] = failure
        now = op.now + 10 * number
        yield lambda now=now: op.verify(op.token(), now=now)


# -- header
with_header("047", {"crit": []})
with_header("049", {"b64": False, "crit": ["b64"]}, {"b64": True})


@case("051")
def logout_token(op: Any) -> Iterator[Attempt]:
    events = {"http://schemas.openid.net/event/backchannel-logout": {}}
    for claims in (op.claims(nonce=..., events=events, sid="s"), op.claims()):
        yield lambda claims=claims: op.verify(op.token(claims, header={"typ": "logout+jwt"}))


@case("053")
def duplicate_alg(op: Any) -> Iterator[Attempt]:
    yield lambda: op.verify(op.token(raw_header=b'{"alg":"none","alg":"RS256","kid":"k1"}'))
    yield lambda: op.verify(op.token(raw_header=b'{"alg":"RS256","kid":"k1","alg":"RS256"}'))


# -- missing claims
with_claims("055", {"exp": ...})
with_claims("057", {"aud": ...})
with_claims("059", {"sub": ...})

# -- time
with_claims("061", {"exp": NOW - 3600})
with_claims("063", {"iat": NOW + 3600, "exp": NOW + 7200})
with_claims("065", {"iat": NOW - 315_360_000}, {"iat": NOW - MAX_ISSUED_AGE_SECONDS - 31})
with_claims("067", {"exp": 1e300}, {"exp": 10**30})
with_claims("069", {"exp": True}, {"iat": True})
with_claims("071", {"auth_time": ...}, {"auth_time": None}, {"auth_time": 0}, max_age=3600)

# -- audience
with_claims("073", {"aud": "other", "azp": "rp-client"})
with_claims("075", {"aud": []})
with_claims("077", {"azp": "other"})
with_claims("079", {"aud": "xrp-client"}, {"aud": "rp-client-2"}, {"aud": ["rp-client-2"]}, {"aud": "rp"})
with_claims("081", {"aud": {"rp-client": 1}}, {"aud": ["rp-client", 1]})

# -- issuer
with_claims("083", {"iss": "https://op.example.com/"})
with_claims("085", {"iss": "https://op"}, {"iss": "https://op.example.com.evil.example"})
with_claims("087", {"iss": "http://op.example.com"})

# -- nonce
with_claims("089", {"nonce": "x"}, {"nonce": ...})


@case("091")
def replay(op: Any) -> Iterator[Attempt]:
    op.verify(op.token())
    yield lambda: op.verify(op.token(), nonce="nonce-of-the-second-sign-in")


with_claims("093", {"nonce_supported": False, "nonce": "x"}, {"nonce_supported": False, "nonce": ...})

# -- subject
with_claims("095", {"sub": 1})
with_claims("097", {"sub": "u" * 300})


def read(op: Any, **claims: Any) -> Any:
    good = op.verify(op.token(op.claims(**claims)))
    wanted = Wanted(groups=frozenset({"admin", "users"}))
    return read_person(good, None, settings=op.settings, quirks=op.provider.quirks, wanted=wanted)


@case("099")
def unverified_email(op: Any) -> Iterator[Attempt]:
    for verified in (False, "true", None):
        claims = {"email": "ceo@corp.example", "email_verified": verified}
        # the token is good: what is refused is the address, wherever a rule asks for one
        yield lambda claims=claims: read(op, **claims).email_verified


@case("101")
def groups_as_a_text(op: Any) -> Iterator[Attempt]:
    for groups in ("admin,users", "admin", "admin users"):
        yield lambda groups=groups: read(op, groups=groups).groups


# -- hash
with_claims("103", {"at_hash": "AAAA"}, access_token="at")


@case("105")
def access_token_exchanged(op: Any) -> Iterator[Attempt]:
    at_hash = op.b64(sha256(b"mine").digest()[:16])
    token = op.token(op.claims(at_hash=at_hash))
    assert op.verify(token, access_token="mine")
    yield lambda: op.verify(token, access_token="other")


# -- encoding
@case("107")
def byte_order_mark(op: Any) -> Iterator[Attempt]:
    payload = json.dumps(op.claims())
    yield lambda: op.verify(op.token(b"\xef\xbb\xbf" + payload.encode()))
    yield lambda: op.verify(op.token(payload.encode("utf-16")))


@case("109")
def payload_is_an_array(op: Any) -> Iterator[Attempt]:
    yield lambda: op.verify(op.token(b"[]"))
    yield lambda: op.verify(op.token([op.claims()]))


@case("111")
def huge_integer(op: Any) -> Iterator[Attempt]:
    payload = json.dumps(op.claims())[:-1] + ', "x": ' + "9" * 5000 + "}"
    yield lambda: op.verify(op.token(payload.encode()))


@case("113")
def junk_in_a_segment(op: Any) -> Iterator[Attempt]:
    token = op.token()
    for at in (5, token.index(".") + 5, len(token) - 5):
        for junk in ("!", "\n", " ", "="):
            yield lambda at=at, junk=junk: op.verify(token[:at] + junk + token[at:])


# -- response
@case("123")
def token_type(op: Any) -> Iterator[Attempt]:
    for changes in ({"token_type": "mac"}, {}):
        body = {"id_token": op.token(), "access_token": "at", **changes}
        yield lambda body=body: read_token_response(JsonAnswer(200, body))


@case("125")
def userinfo_of_somebody_else(op: Any) -> Iterator[Attempt]:
    yield lambda: read_userinfo(JsonAnswer(200, {"sub": "other", "groups": ["admin"]}), "u1")


# -- discovery
@case("139")
def endpoint_without_tls(op: Any) -> Iterator[Attempt]:
    for name in ("token_endpoint", "jwks_uri", "authorization_endpoint"):
        op.document[name] = "http://op.example.com/x"
        yield lambda: parse_metadata(op.document, op.issuer)
        yield lambda: op.world.run(op.provider.metadata(op.now))


@case("141")
def metadata_lists_none(op: Any) -> Iterator[Attempt]:
    # A list in the metadata widens nothing: it is the token that is refused, under such metadata too.
    op.document["id_token_signing_alg_values_supported"] = ["none", "HS256"]
    assert op.verify(op.token())
    yield lambda: op.verify(f"{op.b64({'alg': 'none'})}.{op.b64(op.claims())}.")


def holds(attempt: Attempt) -> bool:
    """Whether an attempt ends with something that a sign-in would go on with."""
    try:
        return bool(attempt())
    except ProviderError:
        return False


@pytest.mark.parametrize(
    "number",
    [number for number in CASES if number in BUILDERS],
    ids=lambda number: f"{number}-{CASES[number]['family']}",
)
def test_id_token_attack(op: Any, number: str) -> None:
    outcomes = [holds(attempt) for attempt in BUILDERS[number](op)]
    must = CASES[number]["must"]
    assert outcomes
    assert must == "either" or outcomes == [must == "accept"] * len(outcomes)


def test_every_case_of_the_corpus_is_built_here_or_covered_by_name_elsewhere() -> None:
    assert set(BUILDERS) | set(COVERED_ELSEWHERE) == set(CASES)
    assert not set(BUILDERS) & set(COVERED_ELSEWHERE)
    assert {CASES[number]["kind"] for number in COVERED_ELSEWHERE} == {"response", "refresh"}

"""What makes a token good: one rule set for each kind, none accepted in another's place (security rule 16).

Belongs here: the claims of ID tokens, step by step as OpenID Connect Core 3.1.3.7 numbers them. A further
kind gets a ``TokenKind`` in ``jose.py`` and its own rules and verifier beside these; nothing is shared but
the framing, the signature and ``LEEWAY_SECONDS``. What the claims *mean* for a person is in ``claims.py``.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from idaware.effects import Flow
from idaware.errors import TokenRejected
from idaware.identity import LEEWAY_SECONDS, Json
from idaware.oidc.jose import ID_TOKEN, Jws, parse_jws, verify_signature
from idaware.oidc.protocol import second_opinion
from idaware.reasons import Reason

if TYPE_CHECKING:
    from jwt import PyJWK

MAX_ISSUED_AGE_SECONDS = 600
"""How old an ID token may be when it ends a sign-in: as old as a sign-in may take."""

MAX_SUBJECT_CHARS = 255
"""OpenID Connect Core, section 2."""

_LAST_DATE = 253_402_300_800  # the year 10000: beyond it, a date is no date in most places
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "DSA": hashlib.sha512}


class KeySource(Protocol):
    """Where verification keys come from: ``Provider``."""

    def keys(self, kid: str | None, alg: str, now: float) -> Flow[tuple[PyJWK, ...]]:
        """The keys to try for a token."""

    def newer_keys(self, kid: str | None, alg: str, now: float) -> Flow[tuple[PyJWK, ...]]:
        """The same, fetched again; empty during the cool-down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenRules:
    """What one ID token is measured against.

    * ``nonce``: the one that was sent. ``max_age``: the one that was sent, in seconds, ``None`` when none was.
    * ``access_token``: what came beside the ID token; ``None`` skips ``at_hash``.
    * ``answered_at``: the provider's clock when it answered (``JsonAnswer.date``), for a hint in messages only.
    """

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    now: float
    algs: Collection[str]
    trusted_audiences: Collection[str] = ()
    max_age: int | None = None
    access_token: str | None = field(default=None, repr=False)
    answered_at: float | None = None


def verify_id_token(token: Json, *, keys: KeySource, rules: IdTokenRules) -> Flow[dict[str, Json]]:
    """The claims of a good ID token (OpenID Connect Core 3.1.3.7 and 3.1.3.8).

    ``amr`` comes back as a list. Raises ``TokenRejected`` (``login_nonce_mismatch`` for the nonce, else
    ``login_token_rejected``) with the step that failed, and ``ProviderUnavailable`` or
    ``ProviderMisbehaved`` when there are no keys to verify with. NOT CHECKED: whether ``acr`` and ``amr``
    are good enough, which the policy says.
    """
    # 1, 7 and 8. Not encrypted, of the right kind, signed with an accepted asymmetric algorithm.
    jws = parse_jws(token, kind=ID_TOKEN, algs=rules.algs)
    # 6. Signed by the provider. The direct connection is never taken for a signature, as Core would allow.
    yield from check_signature(jws, keys, rules.now)
    claims = dict(jws.claims)
    _check_issuer(claims, rules)  # 2.
    _check_audience(claims, rules)  # 3., 4. and 5.
    _check_times(claims, rules)  # 9. and 10.
    _check_nonce(claims, rules)  # 11.
    _check_methods(claims)  # 12. is the policy's; here only the types
    _check_auth_time(claims, rules)  # 13.
    _check_subject(claims)  # section 2
    _check_at_hash(claims, rules, jws.alg)  # 3.1.3.8
    _check_again(claims, rules, jws)
    return claims


def check_signature(jws: Jws, keys: KeySource, now: float) -> Flow[str]:
    """Core 3.1.3.7 step 6. Returns the algorithm; raises ``TokenRejected`` when no key of the provider fits.

    A signature that fails is tried once more with keys fetched now, under the same cool-down as an unknown ``kid``.
    """
    known = yield from keys.keys(jws.kid, jws.alg, now)
    if verify_signature(jws, known):
        return jws.alg
    newer = (yield from keys.newer_keys(jws.kid, jws.alg, now)) if known else ()
    if verify_signature(jws, newer):
        return jws.alg
    if not known:
        ID_TOKEN.reject("6. signature", f"the provider has no key for kid {jws.kid!r:.80} and alg {jws.alg}")
    ID_TOKEN.reject("6. signature", "the signature is not good under the provider's key")


def _check_issuer(claims: Mapping[str, Json], rules: IdTokenRules) -> None:
    if claims.get("iss") != rules.issuer:
        ID_TOKEN.reject("2. iss", f"it is {_shown(claims.get('iss'))}, expected {rules.issuer!r}")


def _check_audience(claims: Mapping[str, Json], rules: IdTokenRules) -> None:
    audiences = _audiences(claims.get("aud"))
    azp = claims.get("azp")
    if rules.client_id not in audiences:
        ID_TOKEN.reject(
            "3. aud", f"it is {_shown(claims.get('aud'))}, expected our client id {rules.client_id!r}"
        )
    foreign = audiences - {rules.client_id}
    if not foreign <= set(rules.trusted_audiences):
        ID_TOKEN.reject("3. aud", f"it also holds {sorted(foreign)!r:.200}, not in IDAWARE_TRUSTED_AUDIENCES")
    if foreign and azp is None:
        ID_TOKEN.reject(
            "4. azp", "there is another audience beside us, so azp must say whom the token is for"
        )
    if azp is not None and azp != rules.client_id:
        ID_TOKEN.reject("5. azp", f"it is {_shown(azp)}, expected our client id {rules.client_id!r}")


def _audiences(aud: Json) -> set[str]:
    members = [aud] if isinstance(aud, str) else aud
    if not isinstance(members, list):
        ID_TOKEN.reject("3. aud", f"it must be text or a list of texts, not {_shown(aud)}")
    texts = {member for member in members if isinstance(member, str)}
    if not all(isinstance(member, str) for member in members):
        ID_TOKEN.reject("3. aud", f"it must be text or a list of texts, not {_shown(aud)}")
    return texts


def _check_times(claims: Mapping[str, Json], rules: IdTokenRules) -> None:
    now = rules.now
    exp, iat = _date(claims, "exp"), _date(claims, "iat")
    if exp + LEEWAY_SECONDS <= now:
        ID_TOKEN.reject("9. exp", f"it expired {now - exp:.0f} s ago{_clock_hint(iat, rules)}")
    if iat > now + LEEWAY_SECONDS:
        ID_TOKEN.reject("10. iat", f"it was issued {iat - now:.0f} s in the future{_clock_hint(iat, rules)}")
    if now - iat > MAX_ISSUED_AGE_SECONDS + LEEWAY_SECONDS:
        ID_TOKEN.reject("10. iat", f"it was issued {now - iat:.0f} s ago{_clock_hint(iat, rules)}")
    if "nbf" in claims and _date(claims, "nbf") > now + LEEWAY_SECONDS:
        ID_TOKEN.reject("nbf", f"it is not valid yet{_clock_hint(iat, rules)}")


def _date(claims: Mapping[str, Json], name: str) -> float:
    """A NumericDate (RFC 7519 section 2): a number, fractions allowed, of this epoch."""
    value = claims.get(name)
    # bool is an int in Python; no text, no 1e300
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LAST_DATE:
        ID_TOKEN.reject(name, f"it must be a time in seconds since 1970, not {_shown(value)}")
    return value


def _clock_hint(iat: float, rules: IdTokenRules) -> str:
    """An ID token comes fresh from the provider: when its times are off, the clocks are, unless ``Date`` disagrees."""
    provider_now = iat if rules.answered_at is None else rules.answered_at
    apart = abs(provider_now - rules.now)
    return (
        f"; the clocks differ by about {apart:.0f} s, ours and the provider's"
        if apart > LEEWAY_SECONDS
        else ""
    )


def _check_nonce(claims: Mapping[str, Json], rules: IdTokenRules) -> None:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not _same(nonce, rules.nonce):
        message = "the token belongs to another sign-in" if nonce is not None else "the token has none"
        raise TokenRejected(Reason.LOGIN_NONCE_MISMATCH, "11. nonce", message)


def _check_methods(claims: dict[str, Json]) -> None:
    acr, amr = claims.get("acr"), claims.get("amr")
    if acr is not None and not isinstance(acr, str):
        ID_TOKEN.reject("12. acr", f"it must be text, not {_shown(acr)}")
    if amr is None:
        return
    # Some servers write a list of one as a plain text; that has one reading, so it is taken.
    methods: Json = [amr] if isinstance(amr, str) else amr
    if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
        ID_TOKEN.reject("amr", f"it must be a list of texts, not {_shown(amr)}")
    claims["amr"] = methods


def _check_auth_time(claims: Mapping[str, Json], rules: IdTokenRules) -> None:
    # null is what some providers write for "not known"; then it is missing
    auth_time = _date(claims, "auth_time") if claims.get("auth_time") is not None else None
    if auth_time is not None and auth_time > rules.now + LEEWAY_SECONDS:
        ID_TOKEN.reject("13. auth_time", f"it is {auth_time - rules.now:.0f} s in the future")
    if rules.max_age is None:
        return
    if not auth_time:  # 0 says as little as none
        ID_TOKEN.reject("13. auth_time", "max_age was asked for, so it must be there")
    if rules.now - auth_time > rules.max_age + LEEWAY_SECONDS:
        ID_TOKEN.reject(
            "13. auth_time",
            f"the sign-in is {rules.now - auth_time:.0f} s old, max_age was {rules.max_age} s",
        )


def _check_subject(claims: Mapping[str, Json]) -> None:
    sub = claims.get("sub")
    if not isinstance(sub, str) or not sub or len(sub) > MAX_SUBJECT_CHARS:
        ID_TOKEN.reject("sub", f"it must be text of 1 to {MAX_SUBJECT_CHARS} characters")
    if not (sub.isascii() and sub.isprintable()):
        ID_TOKEN.reject("sub", "it must be printable ASCII")


def _check_at_hash(claims: Mapping[str, Json], rules: IdTokenRules, alg: str) -> None:
    at_hash = claims.get("at_hash")
    if at_hash is None or rules.access_token is None:  # optional in the code flow (Core 3.1.3.6)
        return
    digest = _HASHES[alg[-3:]](rules.access_token.encode("utf-8")).digest()
    expected = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
    if not isinstance(at_hash, str) or not _same(at_hash, expected):
        ID_TOKEN.reject("3.1.3.8 at_hash", "the access token is not the one that this ID token came with")


def _check_again(claims: Mapping[str, Json], rules: IdTokenRules, jws: Jws) -> None:
    """Authlib's own rules for the code flow: a second reading of the specification, by somebody else."""
    objection = second_opinion(
        claims,
        jws.header,
        issuer=rules.issuer,
        client_id=rules.client_id,
        nonce=rules.nonce,
        max_age=rules.max_age,
        access_token=rules.access_token,
        now=rules.now,
        leeway_seconds=LEEWAY_SECONDS,
    )
    if objection is not None:
        ID_TOKEN.reject("second check", objection)


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode("utf-8"), theirs.encode("utf-8"))  # security rule 32


def _shown(value: Json) -> str:
    """What the token holds, for a message: short, escaped."""
    return repr(value)[:200]

"""Signed tokens, taken apart strictly: compact JWS framing, base64url, JSON, header, signature.

Belongs here: what holds for every kind of token, whoever issued it. What must not: claims and their rules,
which each kind has for itself (``tokens.py``), and where keys come from (``keys.py``).

Libraries accept more than one spelling of a token: padding, duplicate names, any ``typ``, UTF-16. Each of these has
let a token past a deny list or a check somewhere, so this module refuses them before PyJWT sees the token; PyJWT
then does the cryptography, with the algorithm that the *key* was made for (security rule 16).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from idaware.errors import TokenRejected
from idaware.identity import Json
from idaware.reasons import Reason
from idaware.strict_json import read_json

if TYPE_CHECKING:
    from jwt import PyJWK

MAX_TOKEN_BYTES = 16_384
"""Security rule 12: of a token that a client brings."""

MAX_ID_TOKEN_BYTES = 65_536
"""An ID token comes from the provider itself, and with 300 directory groups (GUIDs) it has 16,500 characters."""

MAX_JSON_DEPTH = 32
"""How deep lists and objects in a token may be nested."""

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""What configuration may choose from. INVARIANT: never ``none``, never a symmetric algorithm (security rule 16)."""

# Each of these would let the token say how it is to be checked (security rule 16; RFC 7515 4.1.2-4.1.11, RFC 7797).
_REFUSED_HEADERS = ("crit", "b64", "jku", "jwk", "x5u", "x5c")

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class TokenKind:
    """One kind of token, as far as its header tells it apart from the others (RFC 8725 section 3.11).

    ``types``: the ``typ`` values that mean this kind, lower-case; ``None`` among them lets it be absent.
    ``refusal``: the reason that goes with a token of this kind that is refused. ``max_bytes``: what is read of one.
    """

    name: str
    types: frozenset[str | None]
    refusal: Reason
    max_bytes: int = MAX_TOKEN_BYTES

    def reject(self, step: str, message: str) -> NoReturn:
        """Refuse a token of this kind: ``step`` names the check in the specification's words."""
        raise TokenRejected(self.refusal, step, message)


ID_TOKEN = TokenKind("ID token", frozenset({None, "jwt"}), Reason.LOGIN_TOKEN_REJECTED, MAX_ID_TOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Jws:
    """A token whose form is right. NOT CHECKED yet: its signature and its claims."""

    text: str = field(repr=False)
    header: dict[str, Json] = field(repr=False)
    claims: dict[str, Json] = field(repr=False)
    alg: str
    kid: str | None


class _MalformedError(ValueError):
    """What is wrong with a piece of a token, in words."""


def parse_jws(token: Json, *, kind: TokenKind, algs: Collection[str]) -> Jws:
    """Take a compact JWS apart (RFC 7515 section 7.1).

    ``algs``: the accepted algorithms, by exact name. Raises ``TokenRejected`` for anything that is not exactly one
    canonical spelling of a token of this ``kind``. The signature is *not* verified: see ``verify_signature``.
    """
    if not isinstance(token, str):
        kind.reject("RFC 7515 7.1", f"the {kind.name} is missing or is not text")
    if len(token) > kind.max_bytes:  # security rule 12
        kind.reject("size", f"the {kind.name} has {len(token)} characters, at most {kind.max_bytes} are read")
    parts = token.split(".")
    if len(parts) != 3:
        kind.reject("RFC 7515 7.1", f"a signed token has three parts, this one has {len(parts)}")
    header, claims, _ = (_part(name, part, kind) for name, part in zip(_PARTS, parts, strict=True))
    return _described(token, _object("header", header, kind), _object("payload", claims, kind), kind, algs)


_PARTS = ("header", "payload", "signature")


def _part(name: str, part: str, kind: TokenKind) -> bytes:
    try:
        return decode_base64url(part)
    except ValueError as error:
        kind.reject("RFC 7515 2", f"{name}: {error}")


def _object(name: str, data: bytes, kind: TokenKind) -> dict[str, Json]:
    try:
        return parse_json_object(data)
    except ValueError as error:
        kind.reject("RFC 7515 4, RFC 7519 7.2", f"{name}: {error}")


def _described(
    token: str, header: dict[str, Json], claims: dict[str, Json], kind: TokenKind, algs: Collection[str]
) -> Jws:
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str) or alg not in algs or alg not in ALGORITHMS:
        kind.reject(
            "RFC 7515 4.1.1", f"alg {_shown(alg)} is not among the accepted {', '.join(sorted(algs))}"
        )
    for name in _REFUSED_HEADERS:
        if name in header:
            kind.reject("RFC 7515 4.1", f"the header {name!r} is not accepted")
    if "kid" in header and not isinstance(kid, str):
        kind.reject("RFC 7515 4.1.4", f"kid must be text, not {_shown(kid)}")
    _check_type(header, kind)
    return Jws(token, header, claims, alg, kid if isinstance(kid, str) else None)


def _check_type(header: dict[str, Json], kind: TokenKind) -> None:
    typ = header.get("typ")
    named = typ.lower() if isinstance(typ, str) else None
    # A typ that is present must be text: null is not the same as absent.
    if named not in kind.types or (named is None and "typ" in header):
        kind.reject("RFC 8725 3.11", f"typ {_shown(typ)} is not the type of an {kind.name}")


def verify_signature(jws: Jws, keys: Iterable[PyJWK]) -> bool:
    """Whether one of ``keys`` signed the token (RFC 7515 section 5.2).

    Each key is bound to one algorithm, which has to be the token's: the header never chooses how a key is used.
    """
    from jwt import PyJWS, PyJWTError

    for key in keys:
        try:
            PyJWS().decode(jws.text, key, algorithms=[jws.alg])
        except PyJWTError:
            continue
        return True
    return False


def decode_base64url(text: str) -> bytes:
    """Decode unpadded base64url (RFC 7515 section 2); ``ValueError`` for any spelling but the canonical one."""
    if not _BASE64URL.fullmatch(text):
        raise _MalformedError("empty, padded, or holds characters that are not base64url")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # The last character may hold bits that no byte uses: two texts, one value.
    if urlsafe_b64encode(data).rstrip(b"=") != text.encode("ascii"):
        raise _MalformedError("the unused bits of the last character are not zero")
    return data


def parse_json_object(data: bytes) -> dict[str, Json]:
    """Parse one JSON object, in UTF-8 without BOM, strictly (``strict_json.py``); ``ValueError`` for anything else."""
    value = read_json(data.decode("utf-8"), max_depth=MAX_JSON_DEPTH)
    if not isinstance(value, dict):
        raise _MalformedError("not a JSON object")
    return value


def _shown(value: Json) -> str:
    """What a token holds, for a message: short, escaped."""
    return repr(value)[:80]

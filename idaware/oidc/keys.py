"""The provider's public keys: which of them may verify a token with this ``kid`` and this algorithm.

Belongs here: reading a JWK Set (RFC 7517) into an immutable look-up. When it is fetched, and how long it
counts, is ``provider.py``'s business. ``kid`` is a look-up key and nothing more (security rule 16).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from idaware.errors import ProviderMisbehaved
from idaware.identity import Json
from idaware.oidc.jose import decode_base64url

if TYPE_CHECKING:
    from jwt import PyJWK

K = TypeVar("K")

MAX_KEYS = 100
"""Keys in one set; the largest public providers publish about twenty."""

MAX_KEYS_TRIED = 4
"""Keys that are tried for one token: each costs a signature check, and a token chooses its own ``kid``."""

MIN_RSA_BITS = 2048
"""NIST SP 800-131A; RFC 7518 section 3.3."""

MAX_RSA_BITS = 8192
"""Beyond this, one check costs milliseconds."""

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_MATERIAL = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",)}


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of a JWK Set, each bound to one algorithm at construction.

    ``by_kid``: ``(kid, alg)`` to the keys of that name. ``by_alg``: ``alg`` to every key that fits it, and
    ``unnamed`` to those without a ``kid``.
    """

    by_kid: Mapping[tuple[str, str], tuple[PyJWK, ...]] = field(repr=False)
    by_alg: Mapping[str, tuple[PyJWK, ...]] = field(repr=False)
    unnamed: Mapping[str, tuple[PyJWK, ...]] = field(repr=False)

    def candidates(self, kid: str | None, alg: str) -> tuple[PyJWK, ...]:
        """The keys to try for a token, at most ``MAX_KEYS_TRIED``; empty when none fits.

        A token without ``kid`` is tried with the only key that fits, else with the keys that have no
        ``kid`` either (OpenID Connect Core 10.1 asks for a ``kid`` when there are several keys).
        """
        if kid is not None:
            return self.by_kid.get((kid, alg), ())[:MAX_KEYS_TRIED]
        fitting = self.by_alg.get(alg, ())
        return fitting if len(fitting) == 1 else self.unnamed.get(alg, ())[:MAX_KEYS_TRIED]


def parse_key_set(body: Json, algs: Collection[str]) -> KeySet:
    """Read a JWK Set (RFC 7517 section 5) for the algorithms ``algs``.

    Keys that are malformed, weak, private, symmetric or meant for something else are left out: one odd key must not
    stop sign-ins. Raises ``ProviderMisbehaved`` when the answer is no JWK Set or has more than ``MAX_KEYS`` keys.
    """
    listed = body.get("keys") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        raise ProviderMisbehaved(
            "the provider's jwks_uri did not answer a JWK Set (an object with a list 'keys')"
        )
    if len(listed) > MAX_KEYS:
        raise ProviderMisbehaved(
            f"the provider's JWK Set has {len(listed)} keys, at most {MAX_KEYS} are read"
        )
    usable = [
        (jwk.get("kid"), alg, key)
        for jwk in listed
        if isinstance(jwk, dict)
        for alg in sorted(algs)
        if fits(jwk, alg) and (key := _usable(jwk, alg)) is not None
    ]
    return KeySet(
        by_kid=_grouped([((kid, alg), key) for kid, alg, key in usable if isinstance(kid, str)]),
        by_alg=_grouped([(alg, key) for _, alg, key in usable]),
        unnamed=_grouped([(alg, key) for kid, alg, key in usable if kid is None]),
    )


def _grouped(pairs: list[tuple[K, PyJWK]]) -> Mapping[K, tuple[PyJWK, ...]]:
    groups: dict[K, tuple[PyJWK, ...]] = {}
    for name, key in pairs:
        groups[name] = (*groups.get(name, ()), key)
    return MappingProxyType(groups)


def fits(jwk: Mapping[str, Json], alg: str) -> bool:
    """Whether a JWK is meant to verify signatures made with ``alg`` (RFC 7517 sections 4.1 to 4.4).

    ``use``, ``alg`` and ``key_ops`` may be absent, as they are at several providers; where they are present, they
    bind. A symmetric key in a public set, or a private one, is known to everybody and verifies nothing.
    """
    key_ops = jwk.get("key_ops")
    return (
        _right_type(jwk, alg)
        and jwk.get("use") in (None, "sig")
        and jwk.get("alg") in (None, alg)
        and (key_ops is None or (isinstance(key_ops, list) and "verify" in key_ops))
        and "d" not in jwk
    )


def _right_type(jwk: Mapping[str, Json], alg: str) -> bool:
    kty = jwk.get("kty")
    match alg[:2]:
        case "RS" | "PS":
            return kty == "RSA"
        case "ES":
            return kty == "EC" and jwk.get("crv") == _CURVES[alg]
        case "Ed":
            return kty == "OKP" and jwk.get("crv") == _CURVES[alg]
        case _:
            return False


def _usable(jwk: dict[str, Json], alg: str) -> PyJWK | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt import PyJWK, PyJWTError

    try:
        for name in _MATERIAL[str(jwk["kty"])]:
            value = jwk.get(name)
            decode_base64url(value if isinstance(value, str) else "")
        key = PyJWK(dict(jwk), algorithm=alg)
    except (PyJWTError, ValueError, UnsupportedAlgorithm):
        return None
    # isinstance: only RSA keys have a length to speak of, the curves are fixed by their algorithm
    if isinstance(key.key, RSAPublicKey) and not MIN_RSA_BITS <= key.key.key_size <= MAX_RSA_BITS:
        return None
    return key

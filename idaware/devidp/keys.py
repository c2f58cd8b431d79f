"""Signing keys: made when needed, rotated on request, published as a JWKS (RFC 7517)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from idaware.errors import ConfigurationError, Problem
from idaware.identity import Json

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_MAKERS: Final[dict[str, Callable[[], PrivateKey]]] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "PS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
SIGNING_ALGORITHMS: Final = tuple(_MAKERS)
"""What the provider can sign with."""


class SigningKey:
    """A private key with its ``kid`` and algorithm."""

    def __init__(self, alg: str) -> None:
        self.alg = alg
        self.kid = secrets.token_urlsafe(8)
        self._private = _MAKERS[alg]()

    def sign(self, claims: Mapping[str, Json], *, typ: str = "JWT", kid: str | None = None) -> str:
        """A compact JWS of ``claims``; ``kid`` claims to be another key."""
        headers = {"kid": kid or self.kid, "typ": typ}
        body = json.dumps(claims, separators=(",", ":")).encode()
        return jwt.PyJWS().encode(body, self._private, algorithm=self.alg, headers=headers)

    @property
    def public_jwk(self) -> dict[str, Json]:
        """The public half as a JWK with ``kid``, ``use`` and ``alg``."""
        public = jwt.get_algorithm_by_name(self.alg).to_jwk(self._private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.alg}

    @property
    def public_pem(self) -> bytes:
        """The public half as PEM (SubjectPublicKeyInfo)."""
        return self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


class Keys:
    """The provider's keys: one signs, some are published, one is never published (for faults)."""

    def __init__(self, alg: str = "RS256") -> None:
        if alg not in _MAKERS:
            raise ConfigurationError(
                [Problem("signing_alg", f"got {alg!r}, expected one of {', '.join(_MAKERS)}")]
            )
        self.alg = alg
        self.current = SigningKey(alg)
        self._published = [self.current]
        self._stranger: SigningKey | None = None

    @property
    def stranger(self) -> SigningKey:
        """A key that no JWKS of ours ever lists."""
        if self._stranger is None:
            self._stranger = SigningKey(self.alg)
        return self._stranger

    @property
    def published(self) -> tuple[SigningKey, ...]:
        """The keys in the JWKS, newest first."""
        return tuple(self._published)

    def rotate(self, *, keep: int = 1) -> SigningKey:
        """Sign with a new key from now on; the JWKS keeps the ``keep`` newest old ones."""
        self.current = SigningKey(self.alg)
        self._published = [self.current, *self._published[:keep]]
        return self.current

    def jwks(self) -> dict[str, Json]:
        """The public keys as a JWK set."""
        return {"keys": [key.public_jwk for key in self._published]}


def unsigned(claims: Mapping[str, Json], kid: str) -> str:
    """A token with ``alg: none`` and an empty signature."""
    return f"{_segment({'alg': 'none', 'typ': 'JWT', 'kid': kid})}.{_segment(claims)}."


def signed_with_public_key(claims: Mapping[str, Json], key: SigningKey) -> str:
    """A token with ``alg: HS256``, the key's public PEM serving as the secret (algorithm confusion)."""
    signed = f"{_segment({'alg': 'HS256', 'typ': 'JWT', 'kid': key.kid})}.{_segment(claims)}"
    return f"{signed}.{_base64url(hmac.digest(key.public_pem, signed.encode(), 'sha256'))}"


def half_hash(text: str, alg: str) -> str:
    """``at_hash`` of ``text`` (OIDC Core 3.1.3.6): the left half of the hash that ``alg`` uses."""
    digest = hashlib.sha512 if alg == "EdDSA" else hashlib.sha256
    whole = digest(text.encode("ascii")).digest()
    return _base64url(whole[: len(whole) // 2])


def _segment(value: Mapping[str, Json]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

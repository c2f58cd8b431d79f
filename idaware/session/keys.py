"""From the configured secrets to keys: one ring, one key for each purpose.

Belongs here: key derivation and signing. What is signed, and how long it counts, belongs to whoever signs it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import Signer
from itsdangerous.signer import SigningAlgorithm

from idaware.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from idaware.settings import Secret

KEY_BYTES = 32
MAX_SEALED_BYTES = 4096
"""Nothing longer is looked at: a browser keeps no larger cookie."""

_SIGNATURE_LENGTH = 43  # 32 bytes in base64url without padding


class Keyed(SigningAlgorithm):
    """HMAC-SHA256 with one key, whose block is hashed once and not for each value (RFC 2104 section 4).

    That is two thirds of the work on a short value, and a forged cookie must not cost more than it has to.
    """

    def __init__(self, key: bytes) -> None:
        block = key.ljust(hashlib.sha256().block_size, b"\0")  # a derived key is shorter than a block
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """See ``SigningAlgorithm``. ``key`` is the one that this was made for."""
        return self.sign(value)

    def sign(self, value: bytes) -> bytes:
        """The HMAC of ``value``."""
        inner = self._inner.copy()
        inner.update(value)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


class Seal:
    """Signs small values under one purpose's ``keys`` (newest first), and opens them again.

    A sealed value is ``<base64url payload>.<base64url HMAC-SHA256>``. It is signed, not encrypted, and
    holds no time of its own: whoever seals puts version and expiry inside.
    """

    __slots__ = ("_keyed", "_signer")

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keyed = tuple(Keyed(key) for key in keys)
        self._signer = Signer(keys[0], key_derivation="none", algorithm=self._keyed[0])

    def close(self, payload: bytes) -> str:
        """``payload`` as a signed text that fits a cookie value."""
        return self._signer.sign(base64.urlsafe_b64encode(payload).rstrip(b"=")).decode("ascii")

    def open(self, text: str) -> bytes | None:
        """The payload of ``text``; ``None`` unless one of the ring's keys signed it for this purpose.

        Only one spelling counts: libraries decode a signature before they compare it, and so accept four last
        characters, ``+`` for ``-``, ``/`` for ``_``, and padding (security rule 24). Here the texts are compared. The
        cheap checks come before the HMAC.
        """
        body, _, signature = text.rpartition(".")
        if len(text) > MAX_SEALED_BYTES or len(signature) != _SIGNATURE_LENGTH or not text.isascii():
            return None
        signed, given = body.encode("ascii"), signature.encode("ascii") + b"="  # the one "=" of 32 bytes
        for keyed in self._keyed:
            expected = base64.urlsafe_b64encode(keyed.sign(signed))
            if hmac.compare_digest(expected, given):  # in constant time (security rule 32)
                return base64.urlsafe_b64decode(signed + b"=" * (-len(signed) % 4))
        return None


class KeyRing:
    """The secrets of a deployment, newest first; the newest signs, each of them verifies.

    Keys are derived by HKDF-SHA256 (RFC 5869) with a label of purpose, issuer, client id and base URL, so one secret
    that is mounted by forty tools makes forty unrelated rings (security rule 23). A ring is immutable: after a
    rotation a new one is made, and a secret that was removed counts for nothing from then on.

    ``generation`` names the set of keys, for caches; it tells nothing about them.

    Raises ``ConfigurationError`` without any secret. NOT CHECKED: length and strength, which settings do.
    """

    def __init__(self, secrets: Sequence[Secret], issuer: str, client_id: str, base_url: str) -> None:
        if not secrets:
            raise ConfigurationError([Problem("IDAWARE_SECRET_KEYS", "no key; give one of 32 bytes or more")])
        self._secrets = tuple(secrets)
        self._scope = (issuer, client_id, base_url)
        self.generation = hashlib.sha256(b"".join(self.keys("generation"))).hexdigest()[:12]

    def keys(self, purpose: str) -> tuple[bytes, ...]:
        """The keys of ``purpose``, newest first."""
        # An unambiguous encoding: no two tuples of texts share a label.
        label = msgspec.json.encode(("idaware", 1, purpose, *self._scope))
        return tuple(
            HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=label).derive(secret.reveal().encode())
            for secret in self._secrets
        )

    def seal(self, purpose: str) -> Seal:
        """What signs and opens values of ``purpose``."""
        return Seal(self.keys(purpose))

"""From the configured secrets to keys: one ring, one key for each purpose.

Belongs here: key derivation and signing. What is signed, and how long it counts, belongs to whoever signs it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import Signer

from idaware.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from idaware.settings import Secret

KEY_BYTES = 32
MAX_SEALED_BYTES = 4096
"""Nothing longer is looked at: a browser keeps no larger cookie."""

# 32 bytes in base64url without padding, in its one spelling: the last character holds four bits and two zero bits.
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


class Seal:
    """Signs small values under one purpose's keys, and opens them again.

    A sealed value is ``<base64url payload>.<base64url HMAC-SHA256>``. It is signed, not encrypted, and
    holds no time of its own: whoever seals puts version and expiry inside.
    """

    __slots__ = ("_signer",)

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def close(self, payload: bytes) -> str:
        """``payload`` as a signed text that fits a cookie value."""
        return self._signer.sign(base64.urlsafe_b64encode(payload).rstrip(b"=")).decode("ascii")

    def open(self, text: str) -> bytes | None:
        """The payload of ``text``; ``None`` unless one of the ring's keys signed it for this purpose.

        Only the canonical spelling counts: libraries accept four spellings of a signature's last character,
        ``+`` for ``-``, ``/`` for ``_``, and padding (security rule 24). The cheap checks come before the HMAC.
        """
        body, _, signature = text.rpartition(".")
        if len(text) > MAX_SEALED_BYTES or not text.isascii() or not _SIGNATURE.fullmatch(signature):
            return None
        if not self._signer.verify_signature(body, signature):  # in constant time (security rule 32)
            return None
        return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


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

    def derive(self, purpose: str) -> bytes:
        """The newest key of ``purpose``."""
        return self.keys(purpose)[0]

    def signer(self, purpose: str) -> Signer:
        """An itsdangerous signer under the keys of ``purpose`` (its list ends with the newest)."""
        return Signer(list(reversed(self.keys(purpose))), key_derivation="none", digest_method=hashlib.sha256)

    def seal(self, purpose: str) -> Seal:
        """What signs and opens values of ``purpose``."""
        return Seal(self.signer(purpose))

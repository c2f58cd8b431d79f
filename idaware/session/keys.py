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


class _Keyed(SigningAlgorithm):
    """HMAC-SHA256 with one key, whose share of the work is done once (RFC 2104 section 4)."""

    def __init__(self, key: bytes) -> None:
        self._mac = hmac.new(key, digestmod=hashlib.sha256)

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """See ``SigningAlgorithm``. ``key`` is the one that this was made for."""
        mac = self._mac.copy()
        mac.update(value)
        return mac.digest()


class Seal:
    """Signs small values under one purpose's keys, and opens them again. ``signers``: one a key, newest first.

    A sealed value is ``<base64url payload>.<base64url HMAC-SHA256>``. It is signed, not encrypted, and
    holds no time of its own: whoever seals puts version and expiry inside.
    """

    __slots__ = ("_signers",)

    def __init__(self, signers: Sequence[Signer]) -> None:
        self._signers = tuple(signers)

    def close(self, payload: bytes) -> str:
        """``payload`` as a signed text that fits a cookie value."""
        return self._signers[0].sign(base64.urlsafe_b64encode(payload).rstrip(b"=")).decode("ascii")

    def open(self, text: str) -> bytes | None:
        """The payload of ``text``; ``None`` unless one of the ring's keys signed it for this purpose.

        Only one spelling counts: libraries decode a signature before they compare it, and so accept four last
        characters, ``+`` for ``-``, ``/`` for ``_``, and padding (security rule 24). Here the texts are compared. The
        cheap checks come before the HMAC.
        """
        body, _, signature = text.rpartition(".")
        if len(text) > MAX_SEALED_BYTES or len(signature) != _SIGNATURE_LENGTH or not text.isascii():
            return None
        signed, given = body.encode("ascii"), signature.encode("ascii")
        for signer in self._signers:
            if hmac.compare_digest(
                signer.get_signature(signed), given
            ):  # in constant time (security rule 32)
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

    def derive(self, purpose: str) -> bytes:
        """The newest key of ``purpose``."""
        return self.keys(purpose)[0]

    def seal(self, purpose: str) -> Seal:
        """What signs and opens values of ``purpose``."""
        return Seal([Signer(key, key_derivation="none", algorithm=_Keyed(key)) for key in self.keys(purpose)])

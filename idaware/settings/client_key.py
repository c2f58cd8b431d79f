"""Which private keys can sign for us at the provider (``private_key_jwt``): asked at the start, not at a sign-in."""

from __future__ import annotations

from typing import Final

MIN_RSA_BITS: Final = 2048
"""RFC 7518 section 3.3."""

USABLE: Final = f"an RSA key of {MIN_RSA_BITS} bits or more, or an EC key on P-256, P-384 or P-521"

_CURVE_ALGS: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def signing_alg(pem: str) -> str | None:
    """The algorithm (RFC 7518 section 3.1) that goes with a private key; ``None`` for one that cannot be used."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode("utf-8"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return "RS256"
    return _CURVE_ALGS.get(key.curve.name) if isinstance(key, EllipticCurvePrivateKey) else None

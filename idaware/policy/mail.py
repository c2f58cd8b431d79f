"""When two e-mail addresses or domains are the same: ASCII case, exactly one ``@``, IDNA.

Strict in both directions: what cannot be read in one way only is no address here, and a condition about it is unknown.
"""

from __future__ import annotations

import re
from typing import Final

import idna

_ASCII_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ASCII_DOMAIN: Final = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
)
_OTHER_DOTS: Final = frozenset("\u3002\uff0e\uff61")


def fold_address(address: str) -> str:
    """The address with its ASCII letters in lower case: equal texts are the same address."""
    return address.lower() if address.isascii() else address.translate(_ASCII_LOWER)


def domain_of(address: str) -> str | None:
    """The domain of an address, as ``canonical_domain``; ``None`` unless it has exactly one ``@`` and both sides."""
    local, sign, domain = address.partition("@")
    if not sign or not local or "@" in domain:
        return None
    return canonical_domain(domain)


def canonical_domain(domain: str) -> str | None:
    """The domain in its ASCII form and lower case (RFC 5891); ``None`` where it is no domain name.

    Full-width and other compatibility forms are not mapped but refused: ``ｃorp.example`` is not ``corp.example``.
    """
    if domain.isascii():
        domain = domain.lower()
    else:
        lowered = "".join(_lower(character) for character in domain)
        if not _OTHER_DOTS.isdisjoint(lowered):
            return None
        try:
            domain = idna.encode(lowered).decode("ascii")
        except idna.IDNAError:
            return None
    return domain if len(domain) <= 253 and _ASCII_DOMAIN.fullmatch(domain) else None


def _lower(character: str) -> str:
    """Lower case that never makes ASCII out of something else: KELVIN SIGN stays what it is, and is refused."""
    lower = character.lower()
    return character if character > "\x7f" and any(part <= "\x7f" for part in lower) else lower

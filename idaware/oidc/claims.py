"""From claims to a person: what the session, the policy and the pages get to know.

Belongs here: reading claims by path, groups in their several forms, what is missing and why. What must not:
whether a token is good (``tokens.py``), and whether somebody may come in (``policy``).

Absent is not empty. A claim that is missing, left out by the provider, of the wrong type or beyond a bound is
*unknown*; only ``IDAWARE_GROUPS_ABSENT=empty`` turns one case, a groups claim that is absent, into "no groups".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from idaware.effects import JsonAnswer
from idaware.errors import ProviderMisbehaved, TokenRejected
from idaware.identity import Json, Wanted
from idaware.oidc.providers import Quirks
from idaware.reasons import Reason

if TYPE_CHECKING:
    from idaware.settings import Settings

MAX_GROUPS = 10_000
MAX_GROUP_CHARS = 1024
MAX_VALUE_CHARS = 4096
"""The longest value of a wanted claim that is kept, as JSON."""
MAX_VALUE_DEPTH = 8
MAX_NAME_CHARS = 1024
MAX_EMAIL_CHARS = 320
MAX_TEXT_CHARS = 1024

LeftOut: TypeAlias = Literal["overage", "not_granted", "absent", "malformed"]
"""Why groups are unknown: too many for the token; the person or the provider did not grant the scope; the
claim is not there; it is there in a form that was not expected."""

_NAME = r"(?:[^\\.]|\\.)+"
_PATH = re.compile(rf"{_NAME}(?:\.{_NAME})*", re.DOTALL)
# Controls would end up in records and headers, bidirectional overrides in what people read.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Missing(Enum):
    """The type of ``MISSING``: a claim that is not there, which is not the same as ``null``."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a sign-in says about somebody. ``None`` means unknown.

    * ``email_verified``: whether the provider says so about *this* ``email``.
    * ``user``: what is shown and ``REMOTE_USER``; the ``subject`` where the configured claim is missing.
    * ``groups``: only the wanted ones; ``groups_total``: how many there were; ``groups_left_out``: why unknown.
    * ``claims``: wanted claim path to its value.
    * ``auth_time``: UTC epoch seconds. ``hosted_domain``: ``hd``, at providers where it counts.
    """

    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    user: str
    groups: frozenset[str] | None = None
    groups_total: int | None = None
    groups_left_out: LeftOut | None = None
    claims: Mapping[str, Json]
    auth_time: float | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    hosted_domain: str | None = None


def read_claim(claims: Mapping[str, Json], path: str) -> Json | Missing:
    """The claim at ``path``.

    The whole text is tried as a top-level claim first, then as a dotted path, in which a backslash takes
    away the meaning of the dot after it.
    """
    if path in claims:
        return claims[path]
    value: Json = dict(claims)
    for step in _steps(path):
        if not isinstance(value, dict) or step not in value:
            return MISSING
        value = value[step]
    return value


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    """The names in a dotted path; a path that is no such thing names nothing that exists."""
    if not _PATH.fullmatch(path):
        return (path,)
    return tuple(name.replace("\\.", ".") for name in re.findall(_NAME, path, re.DOTALL))


def missing_for(settings: Settings, wanted: Wanted, id_claims: Mapping[str, Json]) -> bool:
    """Whether userinfo has to be asked: something that is needed is not in the ID token.

    Needed are groups and claims that the policy names, and the e-mail address with its verification where
    the scope was asked for. ``IDAWARE_CLAIMS_FROM`` may rule userinfo out, or the ID token.
    """
    if "userinfo" not in settings.claims_from:
        return False
    if "id_token" not in settings.claims_from:
        return True
    needed = set(wanted.claims)
    if wanted.groups or wanted.group_affixes:
        needed.add(settings.groups_claim)
    if "email" in settings.scopes:
        needed.add(settings.email_claim)
        if settings.email_verified == "required":
            needed.add("email_verified")
    if settings.user_claim != "sub":
        needed.add(settings.user_claim)
    return any(read_claim(id_claims, path) is MISSING for path in needed)


def read_userinfo(answer: JsonAnswer, subject: str) -> Mapping[str, Json]:
    """The claims of a userinfo answer about ``subject``, the ID token's ``sub``.

    Raises ``ProviderMisbehaved`` for an answer that is not 200 with a JSON object (signed answers are not
    supported), and ``TokenRejected`` when it speaks of somebody else: nothing of it may be used (security rule 17).
    """
    if answer.status != 200 or not isinstance(answer.body, dict):
        kind = answer.content_type or "no content type"
        raise ProviderMisbehaved(
            f"userinfo answered {answer.status} ({kind[:80]!r}), expected 200 and a JSON object"
        )
    if answer.body.get("sub") != subject:
        raise TokenRejected(
            Reason.LOGIN_TOKEN_REJECTED,
            "OpenID Connect Core 5.3.2",
            "userinfo is about another sub than the ID token",
        )
    return answer.body


def read_person(
    id_claims: Mapping[str, Json],
    userinfo: Mapping[str, Json] | None,
    *,
    settings: Settings,
    quirks: Quirks,
    wanted: Wanted,
    granted_scope: str | None = None,
    userinfo_offered: bool = True,
) -> Person:
    """What the claims of a verified ID token, and a userinfo answer about the same ``sub``, say about a person.

    ``userinfo`` is ``None`` where it was not asked, or could not be used. ``granted_scope``: the ``scope`` of the
    token response, ``None`` when the provider did not say. ``userinfo_offered``: whether the provider has one.
    """
    claims = _merged(id_claims, userinfo, settings)
    subject = str(id_claims["sub"])
    email = _text(read_claim(claims, settings.email_claim), MAX_EMAIL_CHARS)
    verified = email is not None and _verified(claims, email, quirks)
    all_asked = userinfo is not None or not userinfo_offered or "userinfo" not in settings.claims_from
    groups, left_out = _groups(claims, settings, quirks, granted_scope, all_asked=all_asked)
    return Person(
        subject=subject,
        email=email,
        email_verified=verified,
        name=_text(read_claim(claims, settings.name_claim), MAX_NAME_CHARS),
        user=_user(claims, settings, email_ok=verified or settings.email_verified == "ignored") or subject,
        groups=None if groups is None else frozenset(group for group in groups if wanted.keeps_group(group)),
        groups_total=None if groups is None else len(groups),
        groups_left_out=left_out,
        claims=_wanted_claims(claims, wanted),
        auth_time=_auth_time(id_claims.get("auth_time")),
        acr=_text(id_claims.get("acr"), MAX_TEXT_CHARS),
        amr=_methods(id_claims.get("amr")),
        hosted_domain=_text(id_claims.get("hd"), MAX_TEXT_CHARS) if quirks.hosted_domain else None,
    )


def _user(claims: Mapping[str, Json], settings: Settings, *, email_ok: bool) -> str | None:
    """What the configured claim says; not an address that nobody vouches for: an application takes it for a login."""
    if settings.user_claim in ("email", settings.email_claim) and not email_ok:
        return None
    return _text(read_claim(claims, settings.user_claim), MAX_TEXT_CHARS)


def _merged(
    id_claims: Mapping[str, Json], userinfo: Mapping[str, Json] | None, settings: Settings
) -> Mapping[str, Json]:
    """Both sources in one; the ID token, which is signed, wins."""
    signed = id_claims if "id_token" in settings.claims_from else {"sub": id_claims["sub"]}
    if userinfo is None:
        return signed
    asked = dict(userinfo)
    if "email" in signed and asked.get("email") != signed["email"]:
        # "verified" is said about userinfo's address; it must not vouch for another one
        asked.pop("email_verified", None)
    merged: dict[str, Json] = {**asked, **signed}
    elsewhere = {**_elsewhere(asked), **_elsewhere(signed)}
    return {**merged, "_claim_names": elsewhere} if elsewhere else merged


def _elsewhere(claims: Mapping[str, Json]) -> Mapping[str, Json]:
    """The names of claims that are to be had elsewhere (OpenID Connect Core 5.6.2), as with Entra's overage."""
    names = claims.get("_claim_names")
    return names if isinstance(names, dict) else {}


def _verified(claims: Mapping[str, Json], email: str, quirks: Quirks) -> bool:
    """Whether the provider vouches for ``email``.

    Only ``true`` counts, never the text "true": who wants to trust such a provider sets
    ``IDAWARE_EMAIL_VERIFIED=ignored``, knowingly. Both claims speak of ``email``; an address from another
    claim (``IDAWARE_EMAIL_CLAIM``) is vouched for only where it is the same one.
    """
    if claims.get("email") != email:
        return False
    domain_verified = claims.get(quirks.domain_verified_claim) if quirks.domain_verified_claim else None
    # Entra writes xms_edov as true, 1 or "1", depending on the kind of token
    return claims.get("email_verified") is True or str(domain_verified).lower() in ("true", "1")


def _groups(
    claims: Mapping[str, Json],
    settings: Settings,
    quirks: Quirks,
    granted_scope: str | None,
    *,
    all_asked: bool,
) -> tuple[frozenset[str] | None, LeftOut | None]:
    path = settings.groups_claim
    # Entra: more groups than fit; what is in the token, if anything, is not all of it
    elsewhere = _elsewhere(claims)
    if path in elsewhere or _steps(path)[0] in elsewhere or claims.get("hasgroups") is True:
        return None, "overage"
    value = read_claim(claims, path)
    if value is MISSING:
        return _absent_groups(settings, quirks, granted_scope, all_asked=all_asked)
    groups = _parsed_groups(value, settings.groups_format)
    return groups, None if groups is not None else "malformed"


def _absent_groups(
    settings: Settings, quirks: Quirks, granted_scope: str | None, *, all_asked: bool
) -> tuple[frozenset[str] | None, LeftOut | None]:
    scope = quirks.groups_scope
    if granted_scope is not None and scope in settings.scopes and scope not in granted_scope.split():
        # Not "empty", whatever the setting: a person who unticks a scope must not escape a deny.
        return None, "not_granted"
    # Absent from one source says nothing while another that may hold groups has not answered.
    if settings.groups_absent == "empty" and all_asked:
        return frozenset(), None
    return None, "absent"


def _parsed_groups(value: Json, groups_format: str) -> frozenset[str] | None:
    """The groups in ``value``; ``None`` when it does not have the configured form. Nothing is split unasked."""
    members: list[Json]
    if groups_format == "list":
        if not isinstance(value, list):
            return None
        members = value
    elif not isinstance(value, str):
        return None
    elif groups_format == "comma":
        members = [part.strip() for part in value.split(",") if part.strip()]
    elif groups_format == "space":
        members = [*value.split()]
    else:
        members = [value] if value else []
    return _group_names(members)


def _group_names(members: list[Json]) -> frozenset[str] | None:
    names = [member for member in members if isinstance(member, str) and 0 < len(member) <= MAX_GROUP_CHARS]
    return frozenset(names) if len(names) == len(members) <= MAX_GROUPS else None


def _wanted_claims(claims: Mapping[str, Json], wanted: Wanted) -> Mapping[str, Json]:
    found = ((path, read_claim(claims, path)) for path in sorted(wanted.claims))
    return {path: value for path, value in found if value is not MISSING and _fits(value)}


def _fits(value: Json) -> bool:
    """Whether a session can hold ``value``: userinfo is not read as strictly as a token is."""
    if not _storable(value, MAX_VALUE_DEPTH):
        return False
    text = json.dumps(value, ensure_ascii=False)
    return len(text) <= MAX_VALUE_CHARS and not _SURROGATE.search(text)


def _storable(value: Json, levels: int) -> bool:
    if isinstance(value, int | float):
        return math.isfinite(value) and abs(value) < 2**63
    if isinstance(value, list | dict):
        members = value.values() if isinstance(value, dict) else value
        return levels > 0 and all(_storable(member, levels - 1) for member in members)
    return True


def _text(value: Json | Missing, limit: int) -> str | None:
    """A text for people, records and headers; ``None`` for anything that is not one."""
    return value if isinstance(value, str) and 0 < len(value) <= limit and not _UNFIT.search(value) else None


def _auth_time(value: Json) -> float | None:
    """``auth_time``, where the provider knows it: 0 and ``null`` say that it does not."""
    return float(value) if isinstance(value, int | float) and value and not isinstance(value, bool) else None


def _methods(amr: Json) -> tuple[str, ...]:
    return tuple(method for method in amr if isinstance(method, str)) if isinstance(amr, list) else ()

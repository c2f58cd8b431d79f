"""How conditions are written: from nodes to ``conditions``, with every error at its place.

What a condition *means* is in ``conditions`` and ``times``. Here is also decided where an e-mail has to be
verified: wherever holding would let somebody in, and nowhere where holding keeps somebody out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from idaware.identity import LOGIN_ALIAS
from idaware.policy import fields, scalars
from idaware.policy.combined import All, AnyOf, NoneOf, ordered
from idaware.policy.conditions import (
    Claim,
    ClaimValue,
    Condition,
    EmailDomains,
    Emails,
    Groups,
    SignedIn,
    Template,
    Users,
    names,
)
from idaware.policy.document import Node, Scalar, Sequence
from idaware.policy.fields import Problems
from idaware.policy.mail import canonical_domain, domain_of, fold_address
from idaware.policy.model import PolicyContext
from idaware.policy.read_times import read_hours, read_not_before, read_until
from idaware.policy.times import NotBefore, Until

_LATER: Final = ("workload", "legacy")
_BRACES: Final = re.compile(r"[{}]")
_TEMPLATE: Final = re.compile(r"([^{}]*)\{([A-Za-z_][A-Za-z0-9_]*)\}([^{}]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a condition may refer to, and where its errors go.

    * ``aliases``: names of this policy's own for groups, with their raw values.
    * ``captures``: names that every pattern of the rule captures.
    * ``lets_in``: whether somebody gets in because the condition holds; turned round by ``deny`` and by ``none``.
    """

    problems: Problems
    context: PolicyContext
    aliases: Mapping[str, tuple[str, ...]]
    captures: frozenset[str]
    lets_in: bool


def read_condition(node: Node, path: str, scope: Scope) -> Condition | None:
    """The condition under ``allow`` or ``deny``, but for ``public``; ``None`` (and problems) when there is none."""
    if isinstance(node, Scalar):
        known = ("public", "signed_in") if scope.lets_in else ("signed_in",)
        word = fields.read_word(node, path, scope.problems, known)
        return SignedIn() if word == "signed_in" else None
    return _read_mapping(node, path, scope)


def _read_mapping(node: Node, path: str, scope: Scope) -> Condition | None:
    record = fields.read_record(node, path, scope.problems, known=tuple(_READERS), later=_LATER)
    if not record:
        return None
    members = [_READERS[key](value, f"{path}.{key}", scope) for key, value in record.items()]
    read = [member for member in members if member is not None]
    _check_times(node, path, read, scope)
    if len(read) < len(members):
        return None
    return read[0] if len(read) == 1 else All(ordered(read))


def _check_times(node: Node, path: str, members: list[Condition], scope: Scope) -> None:
    starts = [member.moment for member in members if isinstance(member, NotBefore)]
    ends = [member.moment for member in members if isinstance(member, Until)]
    if starts and ends and starts[0] >= ends[0]:
        scope.problems.add(node.place, path, "'until' is not after 'not_before', so this never holds")


def _read_members(node: Node, path: str, scope: Scope) -> list[Condition] | None:
    items = list(fields.read_items(node, path, scope.problems))
    members = [_read_mapping(item, item_path, scope) for item_path, item in items]
    read = [member for member in members if member is not None]
    return read if read and len(read) == len(members) else None


def _read_all(node: Node, path: str, scope: Scope) -> Condition | None:
    members = _read_members(node, path, scope)
    return All(ordered(members)) if members else None


def _read_any(node: Node, path: str, scope: Scope) -> Condition | None:
    members = _read_members(node, path, scope)
    return AnyOf(ordered(members)) if members else None


def _read_none(node: Node, path: str, scope: Scope) -> Condition | None:
    members = _read_members(node, path, replace(scope, lets_in=not scope.lets_in))
    return NoneOf(ordered(members)) if members else None


def read_group_values(node: Node, path: str, problems: Problems) -> list[str]:
    """Raw group values, as an alias or ``keep`` lists them: nothing is expanded or filled in."""
    texts = fields.read_texts(node, path, problems, what="a group")
    return [
        text
        for text, item_path, item in texts
        if _without_wildcard(text, item_path, item, problems)
        and _without_braces(text, item_path, item, problems)
    ]


def _read_groups(node: Node, path: str, scope: Scope) -> Condition | None:
    written: dict[str, str] = {}
    templates: list[Template] = []
    for text, item_path, item in fields.read_texts(node, path, scope.problems, what="a group"):
        if not _without_wildcard(text, item_path, item, scope.problems):
            continue
        if _BRACES.search(text):
            templates += _read_template(text, item_path, item, scope)
            continue
        for raw in scope.aliases.get(text, (text,)):  # an alias hides an equal token value
            written[raw] = min(text, written.get(raw, text))
    return Groups.of(written, templates) if written or templates else None


def _read_template(text: str, path: str, item: Scalar, scope: Scope) -> list[Template]:
    parts = _TEMPLATE.fullmatch(text)
    if parts is None:
        wrong = f"'{text}': one captured segment may stand in a group, as in 'team-{{team}}'"
    elif parts[2] not in scope.captures:
        wrong = f"'{text}': not every path of this rule captures '{{{parts[2]}}}'"
    else:
        return [Template(parts[1], parts[2], parts[3])]
    scope.problems.add(item.place, path, wrong)
    return []


def _read_users(node: Node, path: str, scope: Scope) -> Condition | None:
    values = []
    for text, item_path, item in _plain_texts(node, path, scope, "a user"):
        alias, slash, subject = text.partition("/")
        if slash and alias != LOGIN_ALIAS:
            hint = f"; the login provider's is '{LOGIN_ALIAS}', and other issuers are not supported yet"
            scope.problems.add(item.place, item_path, f"'{text}': unknown issuer '{alias}'{hint}")
        elif slash and not subject:
            scope.problems.add(item.place, item_path, f"'{text}': expected '{alias}/' and a subject")
        else:
            values.append(text if slash else f"{LOGIN_ALIAS}/{text}")
    return Users(frozenset(values), f"users: one of {len(values)}") if values else None


def _read_emails(node: Node, path: str, scope: Scope) -> Condition | None:
    values = []
    for text, item_path, item in _plain_texts(node, path, scope, "an e-mail address"):
        if domain_of(text) is None or " " in text:
            scope.problems.add(item.place, item_path, f"'{text}' is no e-mail address with exactly one '@'")
        else:
            values.append(fold_address(text))
    verified = scope.lets_in and scope.context.email_verified_required
    return Emails(frozenset(values), verified, f"emails: one of {len(values)}") if values else None


def _read_domains(node: Node, path: str, scope: Scope) -> Condition | None:
    values = []
    for text, item_path, item in _plain_texts(node, path, scope, "a domain"):
        domain = canonical_domain(text)
        if domain is None:
            scope.problems.add(item.place, item_path, f"'{text}' is no domain name; write it as corp.example")
        else:
            values.append(domain)
    if not values:
        return None
    verified = scope.lets_in and scope.context.email_verified_required
    hosted = scope.lets_in and scope.context.hosted_domain_checked
    return EmailDomains(frozenset(values), verified, hosted, f"email_domains: {names(values)}")


def _plain_texts(node: Node, path: str, scope: Scope, what: str) -> list[tuple[str, str, Scalar]]:
    """Texts in which neither a wildcard nor a captured segment may stand."""
    return [
        (text, item_path, item)
        for text, item_path, item in fields.read_texts(node, path, scope.problems, what=what)
        if _without_wildcard(text, item_path, item, scope.problems)
        and _without_braces(text, item_path, item, scope.problems)
    ]


def _without_wildcard(text: str, path: str, item: Scalar, problems: Problems) -> bool:
    if "*" in text:
        problems.add(item.place, path, f"'{text}': values are compared whole, there are no wildcards in them")
    return "*" not in text


def _without_braces(text: str, path: str, item: Scalar, problems: Problems) -> bool:
    found = _BRACES.search(text) is not None
    if found:
        problems.add(
            item.place, path, f"'{text}': captured segments may stand in the groups of a condition only"
        )
    return not found


def _read_claims(node: Node, path: str, scope: Scope) -> Condition | None:
    entries = fields.read_mapping(node, path, scope.problems) or {}
    members: list[Condition] = []
    for name, (key, value) in entries.items():
        values = _read_claim_values(value, f"{path}.{name}", scope)
        if not _without_braces(name, f"{path}.{name}", key, scope.problems):
            continue
        if values:
            members.append(Claim.of(name, values))
    if not members or len(members) < len(entries):
        return None
    return members[0] if len(members) == 1 else All(ordered(members))


def _read_claim_values(node: Node, path: str, scope: Scope) -> list[ClaimValue] | None:
    if not isinstance(node, Sequence):
        value = _read_claim_value(node, path, scope)
        return None if value is None else [value]
    items = list(fields.read_items(node, path, scope.problems))
    values = [_read_claim_value(item, item_path, scope) for item_path, item in items]
    read = [value for value in values if value is not None]
    return read if len(read) == len(values) else None


def _read_claim_value(node: Node, path: str, scope: Scope) -> ClaimValue | None:
    if isinstance(node, Scalar):
        typed = scalars.as_bool(node)
        number = scalars.as_int(node)
        if typed is not None:
            return typed
        if number is not None:
            return number
    text = fields.read_text(node, path, scope.problems, what="text, a whole number, true or false")
    if text is None or not isinstance(node, Scalar):
        return None
    fits = _without_wildcard(text, path, node, scope.problems) and _without_braces(
        text, path, node, scope.problems
    )
    return text if fits else None


_Reader: TypeAlias = Callable[[Node, str, Scope], Condition | None]

_READERS: Final[Mapping[str, _Reader]] = {
    "groups": _read_groups,
    "users": _read_users,
    "emails": _read_emails,
    "email_domains": _read_domains,
    "claims": _read_claims,
    "not_before": lambda node, path, scope: read_not_before(node, path, scope.problems),
    "until": lambda node, path, scope: read_until(node, path, scope.problems),
    "hours": lambda node, path, scope: read_hours(node, path, scope.problems),
    "all": _read_all,
    "any": _read_any,
    "none": _read_none,
}

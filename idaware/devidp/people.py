"""Who can sign in at the development provider: people, their groups and claims; and some to begin with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast, get_args

import msgspec

from idaware.devidp import yamlfile
from idaware.identity import Json

GroupsIn: TypeAlias = Literal["id_token", "userinfo", "overage"]

_NO_CLAIMS: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody to sign in as. Nobody has a password: picking is enough.

    * ``note``: what is special about them, for the page to pick who to be.
    * ``groups``: ``None`` means that there is no groups claim, ``()`` that it is empty.
    * ``groups_in``: ``id_token`` (and userinfo), ``userinfo`` alone, or ``overage``: too many, so that a
      reference stands in their place, as Entra does beyond 200 (OIDC Core 5.6.2).
    * ``amr``: how this person authenticates without a second factor (RFC 8176).
    * ``claims``: further claims of the ID token and userinfo.
    """

    sub: str
    name: str | None = None
    note: str | None = None
    email: str | None = None
    email_verified: bool = True
    groups: tuple[str, ...] | None = None
    groups_in: GroupsIn = "id_token"
    amr: tuple[str, ...] = ("pwd",)
    claims: Mapping[str, Json] = field(default_factory=lambda: _NO_CLAIMS, repr=False)

    @property
    def label(self) -> str:
        """What to call them on a page."""
        return self.name or self.sub


class People:
    """The people of a provider, by ``sub``, in the order in which the page shows them.

    Raises ``ConfigurationError`` when there is nobody, or two of the same ``sub``.
    """

    def __init__(self, people: Iterable[Person]) -> None:
        self._by_sub: dict[str, Person] = {}
        for person in people:
            if not person.sub or person.sub in self._by_sub:
                raise yamlfile.invalid(f"sub {person.sub!r}: each person needs one of their own")
            self._by_sub[person.sub] = person
        if not self._by_sub:
            raise yamlfile.invalid("people: at least one person is needed")

    def __iter__(self) -> Iterator[Person]:
        return iter(self._by_sub.values())

    def __len__(self) -> int:
        return len(self._by_sub)

    def get(self, sub: str) -> Person | None:
        """The person with this ``sub``."""
        return self._by_sub.get(sub)

    def hinted(self, hint: str | None) -> Person | None:
        """Whom a ``login_hint`` or ``logout_hint`` means: a ``sub``, or an e-mail address."""
        if not hint:
            return None
        return self.get(hint) or next(
            (person for person in self if person.email and person.email.lower() == hint.lower()), None
        )


def load(text: str) -> People:
    """Read people from YAML (``people:`` with a list; without it the default people). Raises ``ConfigurationError``."""
    entries = yamlfile.read(text).people
    return DEFAULT_PEOPLE if entries is None else People(map(_person, entries))


def _person(entry: yamlfile.PersonEntry) -> Person:
    if entry.groups_in not in get_args(GroupsIn):
        raise yamlfile.invalid(
            f"{entry.sub}: groups_in is {entry.groups_in!r}, expected one of {', '.join(get_args(GroupsIn))}"
        )
    return Person(
        sub=entry.sub,
        name=entry.name,
        note=entry.note,
        email=entry.email,
        email_verified=entry.email_verified,
        groups=None if entry.groups is None else tuple(entry.groups),
        groups_in=cast(GroupsIn, entry.groups_in),
        amr=entry.amr,
        claims=MappingProxyType(_as_json(entry)),
    )


def _as_json(entry: yamlfile.PersonEntry) -> dict[str, Json]:
    """The claims as JSON has them: YAML's dates become text."""
    return cast("dict[str, Json]", msgspec.to_builtins(entry.claims, builtin_types=()))


def directory_groups(count: int) -> tuple[str, ...]:
    """``count`` group ids as a directory makes them: GUIDs, always the same ones, numbered from 1."""
    return tuple(f"5a3c{n:04x}-9d1e-4b7a-8c2f-{n * 2654435761 % 2**48:012x}" for n in range(1, count + 1))


DEFAULT_PEOPLE: Final = People(
    [
        Person(
            sub="alice",
            name="Alice Ahlgren",
            email="alice@corp.example",
            groups=("sre", "engineering"),
            claims={"department": "Platform", "employee_id": "1001"},
        ),
        Person(
            sub="bob",
            name="Bob Baumann",
            email="bob@corp.example",
            groups=("finance",),
            claims={"department": "Finance", "employee_id": "1002"},
        ),
        Person(sub="carol", name="Carol Costa", email="carol@partner.example", groups=("contractors",)),
        Person(
            sub="dave",
            name="Dave Dubois",
            note="300 groups",
            email="dave@corp.example",
            groups=("finance", *directory_groups(299)),
        ),
        Person(sub="erin", name="Erin Eriksen", note="no groups claim", email="erin@corp.example"),
        Person(
            sub="frank", name="Frank Fischer", note="no group at all", email="frank@corp.example", groups=()
        ),
        Person(
            sub="grace",
            name="Grace Gomez",
            note="groups left out: too many",
            email="grace@corp.example",
            groups=("sre", *directory_groups(250)),
            groups_in="overage",
        ),
        Person(
            sub="heidi",
            name="Heidi Haas",
            note="groups in userinfo only",
            email="heidi@corp.example",
            groups=("sre",),
            groups_in="userinfo",
        ),
        Person(
            sub="ivan",
            name="Ivan Ivanov",
            note="e-mail not verified",
            email="ivan@corp.example",
            email_verified=False,
            groups=("sre",),
        ),
        Person(
            sub="judy",
            name="Judy Jones",
            note="passkey",
            email="judy@corp.example",
            groups=("finance",),
            amr=("hwk", "user"),
        ),
    ]
)
"""People to begin with; each stands for something that providers do."""

"""The one YAML file of the development provider: ``people`` and, if wanted, ``clients``.

Security rule 31 in small: safe loader, duplicate keys refused, no aliases at all, one document, 1 MiB.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.tokens import AliasToken

from idaware.errors import ConfigurationError, Problem

T = TypeVar("T")
_MAX_CHARACTERS: Final = 1_048_576


class PersonEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A person as the file says it; ``people.Person`` explains the fields."""

    sub: str
    name: str | None = None
    note: str | None = None
    email: str | None = None
    email_verified: bool = True
    groups: list[str] | None = None
    groups_in: str = "id_token"
    amr: tuple[str, ...] = ("pwd",)
    claims: dict[str, object] = {}


class ClientEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A client as the file says it; ``clients.Client`` explains the fields."""

    client_id: str
    client_secret: str | None = None
    redirect_uris: list[str] = []
    post_logout_redirect_uris: list[str] = []
    backchannel_logout_uri: str | None = None
    public_key: str | None = None


class File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole file."""

    people: list[PersonEntry] | None = None
    clients: list[ClientEntry] | None = None


def read(text: str) -> File:
    """Parse and check the file. Raises ``ConfigurationError`` that says what is wrong and where."""
    if len(text) > _MAX_CHARACTERS:
        raise invalid(f"longer than {_MAX_CHARACTERS} characters")
    try:
        if any(isinstance(token, AliasToken) for token in YAML(typ="safe", pure=True).scan(text)):
            raise invalid("aliases (*name) are not supported here; write the value out")
        data: object = YAML(typ="safe", pure=True).load(text)
        return msgspec.convert(data, File)
    except (YAMLError, ValueError, msgspec.MsgspecError) as error:
        raise invalid(str(error)) from error


def invalid(message: str) -> ConfigurationError:
    """The error that says what is wrong with the file."""
    return ConfigurationError([Problem("people file", message)])

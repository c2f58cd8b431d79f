"""Who ``request.user`` is: a light user that no database knows, or one of the application's own, kept in step.

    IDAWARE = {
        "USERS": "database",                       # "light" is the default
        "STAFF_GROUPS": ["sre"],                   # is_staff for these, and for nobody else
        "SUPERUSER_GROUPS": ["platform-admins"],
        "FIND_USER": "billing.accounts.find",      # takes an identity, gives the account it has already, or None
    }

Belongs here: from an identity to a user. Who may come in is decided at the door, and not here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

from django.conf import settings  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured, PermissionDenied  # type: ignore[import-untyped]
from django.db import transaction  # type: ignore[import-untyped]
from django.utils.module_loading import import_string  # type: ignore[import-untyped]

from idaware.errors import ClientError
from idaware.guards import group_names
from idaware.identity import Identity
from idaware.session.sessions import Recent

_KEYS: Final = ("USERS", "STAFF_GROUPS", "SUPERUSER_GROUPS", "FIND_USER")
_REMEMBERED: Final = 1024
_NAME_CHARS: Final = 150  # of username and first_name in django.contrib.auth

FindUser = Callable[[Identity], Any]


class Users(Protocol):
    """Where users come from."""

    def user_of(self, identity: Identity) -> Any:
        """The user that ``identity`` is."""


def users_from_settings() -> Users:
    """What ``settings.IDAWARE`` asks for. Raises ``ImproperlyConfigured`` for what is not understood or not used."""
    given: dict[str, Any] = getattr(settings, "IDAWARE", {})
    for key in given:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; expected {', '.join(_KEYS)}"
            raise ImproperlyConfigured(f"settings.IDAWARE: unknown key {key!r}{hint}")
    kind = given.get("USERS", "light")
    if kind == "light":
        if set(given) - {"USERS"}:
            raise ImproperlyConfigured(
                "settings.IDAWARE: a light user has no account; set 'USERS' to 'database'"
            )
        return LightUsers()
    if kind != "database":
        raise ImproperlyConfigured(f"settings.IDAWARE['USERS'] is {kind!r}; expected 'light' or 'database'")
    find = given.get("FIND_USER")
    return DatabaseUsers(
        staff_groups=_groups(given, "STAFF_GROUPS"),
        superuser_groups=_groups(given, "SUPERUSER_GROUPS"),
        find_user=None if find is None else import_string(find),
    )


def _groups(given: dict[str, Any], key: str) -> tuple[str, ...] | None:
    if key not in given:
        return None
    value = given[key]
    if isinstance(value, str):
        raise ImproperlyConfigured(f"settings.IDAWARE[{key!r}] is a text; expected a list of group names")
    return group_names(tuple(value)) if value else ()


class LightUser:
    """A user without an account: what the provider says, in the words of Django's own user.

    There are no permissions and no ``groups`` to ask: ``identity.in_group`` and ``require_groups`` are the way.
    """

    id = pk = None
    is_active = True
    is_staff = is_superuser = False

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    @property
    def is_authenticated(self) -> bool:
        """Whether anybody is signed in."""
        return self.identity.is_authenticated

    @property
    def is_anonymous(self) -> bool:
        """The contrary."""
        return not self.identity.is_authenticated

    @property
    def username(self) -> str:
        """What ``IDAWARE_USER_CLAIM`` names; empty for nobody."""
        return self.identity.user

    @property
    def email(self) -> str:
        """The e-mail address; empty when unknown."""
        return self.identity.email or ""

    def get_username(self) -> str:
        """The same as ``username``."""
        return self.username

    def get_full_name(self) -> str:
        """The person's name, else the ``username``."""
        return self.identity.name or self.username

    def get_short_name(self) -> str:
        """The same as ``get_full_name``."""
        return self.get_full_name()

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Never: permissions are an account's."""
        return False

    def has_perms(self, perm_list: Sequence[str], obj: object = None) -> bool:
        """Whether none is asked for."""
        return not perm_list

    def has_module_perms(self, module: str) -> bool:
        """Never."""
        return False

    def __str__(self) -> str:
        return self.username

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LightUser) and other.identity.principal == self.identity.principal

    def __hash__(self) -> int:
        return hash(self.identity.principal)


class LightUsers:
    """Users that no database knows."""

    def user_of(self, identity: Identity) -> LightUser:
        """See ``Users``."""
        return LightUser(identity)


class DatabaseUsers:
    """Accounts of the application (``AUTH_USER_MODEL``), made at the first request, kept in step at each sign-in.

    The account's name is the principal (``login/<sub>``): a ``sub`` is never given to somebody else, an e-mail address
    may be. Address, name and groups follow the provider, staff and superuser where ``settings.IDAWARE`` names groups
    for them. An account that is switched off in Django (``is_active``) counts as nobody.
    """

    def __init__(
        self,
        *,
        staff_groups: tuple[str, ...] | None,
        superuser_groups: tuple[str, ...] | None,
        find_user: FindUser | None,
    ) -> None:
        self._flags = {"is_staff": staff_groups, "is_superuser": superuser_groups}
        self._find_user = find_user
        self._in_step: Recent[Identity] = Recent(_REMEMBERED)

    def user_of(self, identity: Identity) -> Any:
        """See ``Users``. Raises ``PermissionDenied`` for a session that has to be renewed first."""
        from django.contrib.auth.models import AnonymousUser  # type: ignore[import-untyped]  # needs loaded apps

        if not identity.is_authenticated:
            return AnonymousUser()
        user, made = self._account(identity)
        key = identity.session_id or ""
        if made or self._in_step.get(key) != identity:
            with transaction.atomic(using=user._state.db):
                self._bring_in_step(user, identity)
            self._in_step.put(key, identity)
        return user if user.is_active else AnonymousUser()

    def _account(self, identity: Identity) -> tuple[Any, bool]:
        from django.contrib.auth import get_user_model  # type: ignore[import-untyped]
        from django.contrib.auth.hashers import make_password  # type: ignore[import-untyped]

        known = self._find_user(identity) if self._find_user is not None else None
        if known is not None:
            return known, False
        model = get_user_model()
        name = _fitting(identity.principal or "")
        user, made = model._default_manager.get_or_create(
            **{model.USERNAME_FIELD: name}, defaults={"password": make_password(None)}
        )
        return _exactly(user, user.get_username(), name), made

    def _bring_in_step(self, user: Any, identity: Identity) -> None:
        wanted: dict[str, object] = {}
        if user.get_email_field_name() != user.USERNAME_FIELD:
            wanted[user.get_email_field_name()] = identity.email or ""
        wanted["first_name"], wanted["last_name"] = (identity.name or "")[:_NAME_CHARS], ""
        wanted |= {
            flag: _in_any(identity, groups) for flag, groups in self._flags.items() if groups is not None
        }
        changed = [name for name, value in wanted.items() if getattr(user, name, value) != value]
        for name in changed:
            setattr(user, name, wanted[name])
        if changed:
            user.save(update_fields=changed)
        if hasattr(user, "groups"):
            self._set_groups(user, identity)

    @staticmethod
    def _set_groups(user: Any, identity: Identity) -> None:
        """Exactly the groups that the session holds: unknown ones are none."""
        from django.contrib.auth.models import Group

        names = map(_fitting, sorted(identity.groups or ()))
        found = ((Group.objects.get_or_create(name=name)[0], name) for name in names)
        user.groups.set([_exactly(group, group.name, name) for group, name in found])


def _fitting(name: str) -> str:
    """The name in a column of 150 characters: cut, with a digest of the whole."""
    if len(name) <= _NAME_CHARS:
        return name
    return f"{name[:80]}#{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _exactly(found: Any, its_name: str, name: str) -> Any:
    """``found``, unless the database takes another name for the same (MySQL folds case; a ``sub`` does not)."""
    if its_name != name:
        raise PermissionDenied(
            f"the database has {its_name!r} for {name!r}; names have to be compared exactly"
        )
    return found


def _in_any(identity: Identity, groups: tuple[str, ...]) -> bool:
    try:
        return identity.in_any_group(*groups)
    except ClientError as refusal:
        raise PermissionDenied(str(refusal)) from refusal

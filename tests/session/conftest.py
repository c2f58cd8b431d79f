from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from idaware.identity import Wanted
from idaware.session.cookie import CookieCodec
from idaware.session.keys import KeyRing
from idaware.session.record import Cut, Session, pack_digests
from idaware.session.sessions import Sessions
from idaware.settings import Settings

NEW, OLD = "new-" + "Zk3vQ9x" * 6, "old-" + "pL8wT2r" * 6
NOW = 1_800_000_000

MakeSettings: TypeAlias = Callable[..., Settings]
MakeSession: TypeAlias = Callable[..., Session]


@pytest.fixture
def make_settings() -> MakeSettings:
    def make(**changed: str) -> Settings:
        environ = {
            "issuer": "https://login.corp.example",
            "client_id": "billing-admin",
            "client_secret": "the-secret-of-the-client-3141",
            "secret_keys": NEW,
            "base_url": "https://billing.corp.example",
            "allow_groups": "sre",
        } | changed
        return Settings.from_env({f"IDAWARE_{name.upper()}": value for name, value in environ.items()})

    return make


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


@pytest.fixture
def ring(settings: Settings) -> KeyRing:
    return KeyRing(settings.secret_keys, settings.issuer, settings.client_id, settings.base_url)


@pytest.fixture
def codec(ring: KeyRing, settings: Settings) -> CookieCodec:
    return CookieCodec(ring, settings)


@pytest.fixture
def cut() -> Cut:
    return Cut.of(Wanted(groups=frozenset({"sre", "finance"}), claims=frozenset({"department"})))


@pytest.fixture
def sessions(codec: CookieCodec, cut: Cut) -> Sessions:
    return Sessions(codec, cut)


@pytest.fixture
def make_session(cut: Cut) -> MakeSession:
    def make(**changed: object) -> Session:
        values: dict[str, object] = {
            "v": 1,
            "id": "s" * 22,
            "started": NOW,
            "expires": NOW + 28_800,
            "renewed": NOW,
            "subject": "248289761001",
            "email": "alice@corp.example",
            "email_verified": True,
            "name": "Alice",
            "user": "248289761001",
            "groups": ("sre",),
            "groups_total": 12,
            "claims": {"department": "finance"},
            "auth_time": NOW - 5,
            "cut": pack_digests(cut.digests),
            "wanted_id": cut.wanted_id,
        }
        return Session(**(values | changed))  # type: ignore[arg-type]  # a table of fields

    return make


@pytest.fixture
def session(make_session: MakeSession) -> Session:
    return make_session()


def value_of(set_cookie: str) -> tuple[str, str]:
    name, _, rest = set_cookie.partition("=")
    return name, rest.partition(";")[0]


@pytest.fixture
def browser() -> Callable[..., str]:
    """The ``Cookie`` header of a browser that was sent these ``Set-Cookie`` values, in their order."""

    def header(*set_cookies: str) -> str:
        jar: dict[str, str] = {}
        for line in set_cookies:
            name, value = value_of(line)
            jar.pop(name, None)
            if "Max-Age=0" not in line:
                jar[name] = value
        return "; ".join(f"{name}={value}" for name, value in jar.items())

    return header

"""What the provider remembers, in the process and nowhere else: browsers, codes, tokens.

Plain data with its expiry; who may do what with it is decided in ``grants.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeVar

from idaware.devidp.clients import Client
from idaware.devidp.faults import Active
from idaware.devidp.people import Person

T = TypeVar("T")

CODE_SECONDS: Final = 60
ACCESS_TOKEN_SECONDS: Final = 3600
ID_TOKEN_SECONDS: Final = 300
_MAX_ENTRIES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A person having authenticated: when (epoch seconds), how, and in which browser session (``sid``)."""

    person: Person
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    sid: str


@dataclass(slots=True, kw_only=True)
class Browser:
    """The provider's own session in one browser; ``clients`` are the ones that it signed in at."""

    sign_in: SignIn
    clients: dict[str, Client] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One sign-in at one client: what every token that follows from it is made of.

    ``family`` binds the tokens together that are revoked together (RFC 9700 section 4.14.2).
    """

    sign_in: SignIn
    client: Client
    scope: str
    nonce: str | None
    resource: tuple[str, ...]
    family: str
    faults: tuple[Active, ...] = ()


@dataclass(slots=True, kw_only=True)
class Code:
    """An authorization code, good for one use within ``CODE_SECONDS``."""

    value: str
    login: Login
    redirect_uri: str
    code_challenge: str
    code_challenge_method: str
    expires_at: float
    used: bool = False

    def get_redirect_uri(self) -> str:
        """For Authlib: what the token request has to repeat."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """For Authlib: what was granted."""
        return self.login.scope


@dataclass(slots=True, kw_only=True)
class Issued:
    """An access token and the refresh token that came with it. ``login`` is ``None`` for client credentials."""

    access_token: str
    client: Client
    scope: str
    expires_at: float
    now: float
    login: Login | None = None
    refresh_token: str | None = None
    revoked: bool = False
    rotated: bool = False

    def check_client(self, client: Client) -> bool:
        """For Authlib: whether it belongs to ``client``."""
        return self.client.client_id == client.client_id

    def get_scope(self) -> str:
        """For Authlib: what was granted."""
        return self.scope

    def is_expired(self) -> bool:
        """For Authlib: whether the access token was expired at ``now``, the time of the look-up."""
        return self.now >= self.expires_at

    def is_revoked(self) -> bool:
        """For Authlib: whether it was revoked."""
        return self.revoked


class Memory:
    """Everything remembered; each table forgets its oldest entries beyond 10,000."""

    def __init__(self) -> None:
        self.browsers: dict[str, Browser] = {}
        self.codes: dict[str, Code] = {}
        self.by_access_token: dict[str, Issued] = {}
        self.by_refresh_token: dict[str, Issued] = {}
        self.assertion_ids: dict[str, float] = {}

    def add_browser(self, key: str, browser: Browser) -> None:
        """Remember a browser's session under the value of its cookie."""
        _remember(self.browsers, key, browser)

    def add_code(self, code: Code) -> None:
        """Remember a code."""
        _remember(self.codes, code.value, code)

    def add_tokens(self, issued: Issued) -> None:
        """Remember tokens by both their texts."""
        _remember(self.by_access_token, issued.access_token, issued)
        if issued.refresh_token is not None:
            _remember(self.by_refresh_token, issued.refresh_token, issued)

    def use_assertion(self, key: str, expires_at: float) -> bool:
        """Whether a client assertion's ``jti`` is seen for the first time (RFC 7523 section 3)."""
        fresh = key not in self.assertion_ids
        _remember(self.assertion_ids, key, expires_at)
        return fresh

    def revoke_family(self, family: str) -> None:
        """Revoke every token that follows from one sign-in at one client."""
        for issued in self.by_access_token.values():
            if issued.login is not None and issued.login.family == family:
                issued.revoked = True

    def find(self, token: str, now: float) -> Issued | None:
        """The tokens of which ``token`` is one, access or refresh."""
        issued = self.by_access_token.get(token) or self.by_refresh_token.get(token)
        if issued is not None:
            issued.now = now
        return issued


def _remember(table: dict[str, T], key: str, value: T) -> None:
    table[key] = value
    if len(table) > _MAX_ENTRIES:
        del table[next(iter(table))]

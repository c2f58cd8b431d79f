"""What the provider says about people: ID tokens, access tokens, logout tokens, userinfo; and each of them gone wrong.

Claims are built right first, then each fault that is on is done to them. Nothing here knows HTTP.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from idaware.devidp.faults import CLOCK_SHIFT_SECONDS, FaultBoard
from idaware.devidp.keys import Keys, half_hash, signed_with_public_key, unsigned
from idaware.devidp.memory import ACCESS_TOKEN_SECONDS, ID_TOKEN_SECONDS, Login
from idaware.devidp.people import Person
from idaware.identity import Json

BACKCHANNEL_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN_SECONDS: Final = 120
OTHER_CLIENT: Final = "another-client"
OTHER_ISSUER: Final = "https://another-issuer.example"


def _also_for_another(claims: dict[str, Json]) -> None:
    claims["aud"] = [claims["aud"], OTHER_CLIENT]
    claims.pop("azp", None)


def _foreign_azp(claims: dict[str, Json]) -> None:
    claims.update(aud=[claims["aud"], OTHER_CLIENT], azp=OTHER_CLIENT)


def _an_hour_old(claims: dict[str, Json]) -> None:
    for name in ("iat", "auth_time", "exp"):
        claims[name] = _number(claims[name]) - 3600 - ID_TOKEN_SECONDS


def _shifted(seconds: int) -> Callable[[dict[str, Json]], None]:
    def shift(claims: dict[str, Json]) -> None:
        for name in ("iat", "exp", "auth_time"):
            claims[name] = _number(claims[name]) + seconds

    return shift


def _number(value: Json) -> int:
    assert isinstance(value, int)
    return value


_ID_TOKEN_FAULTS: Final[dict[str, Callable[[dict[str, Json]], object]]] = {
    "wrong_nonce": lambda claims: claims.update(nonce="the-nonce-of-another-sign-in"),
    "missing_nonce": lambda claims: claims.pop("nonce", None),
    "wrong_issuer": lambda claims: claims.update(iss=OTHER_ISSUER),
    "wrong_audience": lambda claims: claims.update(aud=OTHER_CLIENT),
    "extra_audience": _also_for_another,
    "foreign_azp": _foreign_azp,
    "clock_ahead": _shifted(CLOCK_SHIFT_SECONDS["clock_ahead"]),
    "clock_behind": _shifted(CLOCK_SHIFT_SECONDS["clock_behind"]),
    "expired": _an_hour_old,
    "missing_sub": lambda claims: claims.pop("sub"),
    "missing_exp": lambda claims: claims.pop("exp"),
    "missing_iat": lambda claims: claims.pop("iat"),
    "old_auth_time": lambda claims: claims.update(auth_time=_number(claims["auth_time"]) - 86_400),
    "no_at_hash": lambda claims: claims.pop("at_hash"),
    "wrong_at_hash": lambda claims: claims.update(at_hash=half_hash("another-access-token", "RS256")),
}
"""What is done to the claims; in this order, so that times are shifted before they are taken away."""


class Minter:
    """Makes tokens and userinfo. ``clock`` gives UTC epoch seconds."""

    def __init__(self, issuer: str, keys: Keys, faults: FaultBoard, clock: Callable[[], float]) -> None:
        self.issuer = issuer
        self.keys = keys
        self.faults = faults
        self.clock = clock

    def access_token(
        self, client_id: str, scope: str, resource: tuple[str, ...], login: Login | None = None
    ) -> str:
        """A JWT access token (RFC 9068); ``aud`` is the resource that was asked for (RFC 8707), else the issuer."""
        now = int(self.clock())
        claims: dict[str, Json] = {
            "iss": self.issuer,
            "sub": login.sign_in.person.sub if login else client_id,
            "aud": _one_or_many(resource or (self.issuer,)),
            "client_id": client_id,
            "iat": now,
            "exp": now + ACCESS_TOKEN_SECONDS,
            "jti": secrets.token_urlsafe(12),
            "scope": scope,
        }
        if login is not None:
            claims |= _authentication(login)
        return self.keys.current.sign(claims, typ="at+jwt")

    def id_token(self, login: Login, access_token: str, *, refreshed: bool = False) -> str | None:
        """The ID token that goes with an access token (OIDC Core section 2), or what a fault makes of it.

        A refreshed one has no nonce (Core 12.2). ``None`` where a fault leaves it out.
        """
        names = self.faults.names(login.faults)
        if "no_id_token" in names:
            return None
        if "access_token_as_id_token" in names:
            return access_token
        if "rotated_keys" in names:
            self.keys.rotate()
        return self._signed(self._id_claims(login, access_token, names, refreshed=refreshed), names)

    def _id_claims(
        self, login: Login, access_token: str, names: frozenset[str], *, refreshed: bool
    ) -> dict[str, Json]:
        now = int(self.clock())
        claims: dict[str, Json] = {
            **person_claims(login.sign_in.person, login.scope, names, userinfo=False),
            "iss": self.issuer,
            "sub": login.sign_in.person.sub,
            "aud": login.client.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "sid": login.sign_in.sid,
            "at_hash": half_hash(access_token, self.keys.current.alg),
            **_authentication(login),
        }
        if login.nonce is not None and not refreshed:
            claims["nonce"] = login.nonce
        for name, spoil in _ID_TOKEN_FAULTS.items():
            if name in names:
                spoil(claims)
        return claims

    def _signed(self, claims: dict[str, Json], names: frozenset[str]) -> str:
        current = self.keys.current
        if "alg_none" in names:
            return unsigned(claims, current.kid)
        if "alg_hs256" in names:
            return signed_with_public_key(claims, current)
        if "wrong_signature" in names:
            return self.keys.stranger.sign(claims, kid=current.kid)
        if "stale_keys" in names:
            return self.keys.stranger.sign(claims)
        return current.sign(claims)

    def logout_token(self, client_id: str, sub: str, sid: str) -> str:
        """A logout token (Back-Channel Logout 1.0 section 2.4), with both ``sub`` and ``sid``."""
        now = int(self.clock())
        claims: dict[str, Json] = {
            "iss": self.issuer,
            "sub": sub,
            "aud": client_id,
            "iat": now,
            "exp": now + LOGOUT_TOKEN_SECONDS,
            "jti": secrets.token_urlsafe(12),
            "events": {BACKCHANNEL_EVENT: {}},
            "sid": sid,
        }
        return self.keys.current.sign(claims, typ="logout+jwt")

    def userinfo(self, login: Login) -> dict[str, Json]:
        """What userinfo answers (OIDC Core 5.3.2)."""
        names = self.faults.names(login.faults)
        person = login.sign_in.person
        sub = "somebody-else" if "userinfo_sub_mismatch" in names else person.sub
        return {**person_claims(person, login.scope, names, userinfo=True), "sub": sub}


def _authentication(login: Login) -> dict[str, Json]:
    sign_in = login.sign_in
    return {"auth_time": sign_in.auth_time, "acr": sign_in.acr, "amr": list(sign_in.amr)}


def _one_or_many(values: tuple[str, ...]) -> Json:
    return values[0] if len(values) == 1 else list(values)


def person_claims(
    person: Person, scope: str, faults: frozenset[str] = frozenset(), *, userinfo: bool
) -> dict[str, Json]:
    """What ``scope`` tells about a person (OIDC Core 5.4). Groups and further claims come with ``profile``
    or ``groups``.
    """
    scopes = scope.split()
    claims: dict[str, Json] = {}
    if "email" in scopes and person.email is not None:
        claims |= {"email": person.email, "email_verified": person.email_verified}
    if "profile" in scopes:
        claims |= {"name": person.label, "preferred_username": person.sub}
    if "profile" in scopes or "groups" in scopes:
        claims |= {**person.claims, **group_claims(person, faults, userinfo=userinfo)}
    return claims


def group_claims(person: Person, faults: frozenset[str], *, userinfo: bool) -> dict[str, Json]:
    """The groups claim, or what a person or a fault makes of it."""
    if person.groups is None or "groups_missing" in faults:
        return {}
    if person.groups_in == "overage" or "groups_overage" in faults:
        return {
            "_claim_names": {"groups": "src1"},
            "_claim_sources": {"src1": {"endpoint": f"https://directory.example/users/{person.sub}/groups"}},
        }
    only_in_userinfo = person.groups_in == "userinfo" or "groups_only_in_userinfo" in faults
    if only_in_userinfo and not userinfo:
        return {}
    if "groups_text" in faults:
        return {"groups": ",".join(person.groups)}
    return {"groups": list(person.groups)}

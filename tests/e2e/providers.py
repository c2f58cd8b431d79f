"""The two providers that people sign in at in these tests: ours for development, and npm's ``oidc-provider``."""

from __future__ import annotations

import http.client
import json
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import msgspec
from playwright.sync_api import Page

from e2e.running import Program, wait_until
from e2e.tool import CLIENT_ID, CLIENT_SECRET
from idaware.devidp import DEFAULT_PEOPLE, Client, Clients, DevProvider
from idaware.devidp.server import Server, start_provider

PROVIDER_SCRIPT = Path(__file__).parent / "provider.mjs"


class SignsPeopleIn(Protocol):
    """A provider, as a person with a browser sees it."""

    issuer: str

    def sign_in(self, page: Page, person: str, *, second_factor: bool = False) -> None:
        """Fill in the provider's own pages and go back to the application."""

    def confirm_sign_out(self, page: Page) -> None:
        """Answer the provider's own question whether to sign out."""

    def age_sign_ins(self, seconds: int) -> None:
        """Make every sign-in so far that much older."""

    def stop(self) -> None:
        """End it."""


def redirect_uris(base_urls: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """What an operator registers for an application: its callback, and where its sign-outs end."""
    return (
        [f"{base}/_idaware/callback" for base in base_urls],
        [f"{base}/_idaware/logged-out" for base in base_urls],
    )


class Development:
    """``idaware.devidp``, in a thread of this process."""

    def __init__(self, *base_urls: str, port: int = 0) -> None:
        callbacks, ends = redirect_uris(base_urls)
        client = Client(
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uris=callbacks,
            post_logout_redirect_uris=ends,
        )
        self.provider: DevProvider
        self._server: Server
        self.provider, self._server = start_provider(
            lambda issuer: DevProvider(issuer=issuer, clients=Clients([client])), host="127.0.0.1", port=port
        )
        self.issuer = self.provider.issuer

    def sign_in(self, page: Page, person: str, *, second_factor: bool = False) -> None:
        if second_factor:
            page.check("input[name=level][value=mfa]")
        page.click(f"button[name=person][value={person}]")

    def confirm_sign_out(self, page: Page) -> None:
        page.click("button[name=answer][value=yes]")

    def age_sign_ins(self, seconds: int) -> None:
        for browser in self.provider.state.memory.browsers.values():
            browser.sign_in = replace(browser.sign_in, auth_time=browser.sign_in.auth_time - seconds)

    def stop(self) -> None:
        self._server.stop()


class OidcProvider:
    """npm ``oidc-provider``, with the same people, in a process of its own."""

    def __init__(self, *base_urls: str, directory: Path, port: int = 0) -> None:
        callbacks, ends = redirect_uris(base_urls)
        client = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": callbacks,
            "post_logout_redirect_uris": ends,
        }
        given = {"port": port, "people": _people(), "clients": [client]}
        command = ["node", str(PROVIDER_SCRIPT), json.dumps(given)]
        self._program = Program(command, directory / "provider.log")
        try:
            wait_until(
                lambda: self._announced() is not None or not self._program.runs, "the provider's issuer"
            )
            announced = self._announced()
            assert announced is not None, self._program.log
            self.issuer = announced
        except BaseException:
            self.stop()
            raise

    def _announced(self) -> str | None:
        lines = [line for line in self._program.log.splitlines() if line.startswith('{"issuer"')]
        return str(json.loads(lines[0])["issuer"]) if lines else None

    def sign_in(self, page: Page, person: str, *, second_factor: bool = False) -> None:
        assert not second_factor, "this provider's own pages know no second factor"
        page.fill("input[name=login]", person)
        page.fill("input[name=password]", "any")
        page.click("button[type=submit]")
        if page.locator("input[name=prompt][value=consent]").count():
            page.click("button[type=submit]")

    def confirm_sign_out(self, page: Page) -> None:
        page.click("button[name=logout]")

    def age_sign_ins(self, seconds: int) -> None:
        port = int(self.issuer.rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("POST", f"/test/age?seconds={seconds}")
        assert connection.getresponse().status == 204
        connection.close()

    def stop(self) -> None:
        self._program.stop()


def _people() -> dict[str, dict[str, object]]:
    """Our development people as claims that this provider hands out."""
    claims = (
        (
            person.sub,
            {"name": person.name, "email": person.email, "email_verified": True, "groups": person.groups},
        )
        for person in DEFAULT_PEOPLE
    )
    return msgspec.to_builtins({sub: {k: v for k, v in one.items() if v is not None} for sub, one in claims})

"""The demo on loopback, and a person with a browser's manners: cookies, navigation headers, the provider's form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from html import unescape
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest

from idaware.demo import hosting
from idaware.demo.hosting import Demo

NAVIGATION = {
    "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-site": "same-origin",
    "user-agent": "Mozilla/5.0",
}
_FIELD = re.compile(r'name="request" value="([^"]*)"')


class Person:
    """Somebody in a browser of their own, at the demo that runs at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx2.Client(headers=NAVIGATION, trust_env=False, timeout=10)

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """One request, one answer."""
        return self.http.request(method, urljoin(self.url, path), **options)

    def get(self, path: str) -> httpx2.Response:
        """Go to a page, and wherever it leads but through the provider's form."""
        return self.http.get(urljoin(self.url, path), follow_redirects=True)

    def be(self, sub: str, path: str = "/", *, level: str = "pwd") -> httpx2.Response:
        """Sign in as somebody, anew, for a page; the page that it leads to."""
        return self.choose(self.get(f"/_idaware/login?switch=1&next={path}"), sub, level=level)

    def choose(
        self, form: httpx2.Response, sub: str, *, level: str = "pwd", fault: str = ""
    ) -> httpx2.Response:
        """Fill in the provider's form."""
        field = _FIELD.search(form.text)
        assert field is not None, form.text[:2000]
        return self.http.post(
            urljoin(str(form.url), "/authorize/choose"),
            data={"request": unescape(field[1]), "person": sub, "level": level, "fault": fault},
            follow_redirects=True,
        )

    @property
    def cookies(self) -> str:
        """The cookies for the tool, as a header."""
        return "; ".join(
            f"{c.name}={c.value}" for c in self.http.cookies.jar if c.domain.startswith("localhost")
        )


@pytest.fixture(scope="session")
def shared() -> Iterator[Demo]:
    """One demo for all tests that do not stop it."""
    with hosting.start(port=0, provider_port=0) as demo:
        yield demo


@pytest.fixture
def demo(shared: Demo) -> Demo:
    return shared


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def person(demo: Demo, closing: ExitStack) -> Callable[..., Person]:
    """Makes people: ``person()`` is nobody, ``person("alice")`` has signed in."""

    def make(sub: str | None = None, **options: Any) -> Person:
        made = Person(demo.url)
        closing.callback(made.http.close)
        if sub is not None:
            assert made.be(sub, **options).status_code == 200
        return made

    return make

"""A person's browser: cookies, redirects, forms that send themselves, and what it says about where a request began."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from support.site import HTML, Answer, Site

MAX_HOPS = 20
_REFRESH = re.compile(r'<meta http-equiv="refresh" content="0; *url=([^"]+)"', re.IGNORECASE)


@dataclass
class Cookie:
    """One cookie in the jar. ``expires``: UTC epoch seconds."""

    value: str
    path: str
    samesite: str
    expires: float | None


def site_of(url: str) -> str:
    """Scheme and registrable domain, near enough for ``.example``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{'.'.join((parts.hostname or '').split('.')[-2:])}"


class Browser:
    """Visits one ``Site``, and its provider, as one person would.

    ``jar``: the cookies of the site. ``hops``: every ``(method, URL, status)`` of the last visit.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.jar: dict[str, Cookie] = {}
        self.hops: list[tuple[str, str, int | None]] = []

    def get(self, target: str = "/", *, begun_at: str | None = None, **options: Any) -> Answer:
        """Go to a page and wherever it leads. ``begun_at``: the URL of the page with the link, if there was one."""
        return self._visit("GET", self.url(target), None, begun_at, options)

    def post(
        self, target: str, form: Mapping[str, str] = {}, *, begun_at: str | None = None, **options: Any
    ) -> Answer:
        """Send a form of the site's own page, or of the page ``begun_at``."""
        return self._visit("POST", self.url(target), form, begun_at or self.url("/"), options)

    def url(self, target: str) -> str:
        """A path of the application as a whole URL; a URL as it is."""
        return target if "://" in target else self.site.settings.base_url + target

    def cookies(self, *, cross_site: bool = False, method: str = "GET") -> dict[str, str]:
        """What the jar gives to a request."""
        now = self.site.clock()
        self.jar = {n: c for n, c in self.jar.items() if c.expires is None or c.expires > now}
        return {name: c.value for name, c in self.jar.items() if not cross_site or _rides_along(c, method)}

    # -- inside ------------------------------------------------------------------------------------------------

    def _visit(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None,
        begun_at: str | None,
        options: Mapping[str, Any],
    ) -> Answer:
        self.hops = []
        chain = [url] if begun_at is None else [begun_at, url]
        for _ in range(MAX_HOPS):
            answer = self._load(method, url, form, chain, begun_at, options)
            following = self._following(answer, url)
            if following is None:
                return answer
            method, url, form, own = following
            if own is not None:  # a page goes on by itself: a new chain begins there
                begun_at, chain = own, [own]
            chain.append(url)
        raise AssertionError(f"more than {MAX_HOPS} hops: {[hop[1] for hop in self.hops]}")

    def _load(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None,
        chain: list[str],
        begun_at: str | None,
        options: Mapping[str, Any],
    ) -> Answer:
        if url.startswith(self.site.provider.issuer):
            answer = self._at_provider(url)
        elif urlsplit(url).netloc in self.site.settings.hosts:
            answer = self._at_site(method, url, form, chain, begun_at, options)
        else:
            answer = Answer(204)
        self.hops.append((method, url, answer.status))
        return answer

    def _at_site(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None,
        chain: list[str],
        begun_at: str | None,
        options: Mapping[str, Any],
    ) -> Answer:
        foreign = any(site_of(visited) != site_of(url) for visited in chain)
        headers = {
            "User-Agent": "Mozilla/5.0",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
            "Sec-Fetch-Site": "none" if begun_at is None else "cross-site" if foreign else "same-origin",
            **options.get("headers", {}),
        }
        body = None
        if form is not None:
            body = urlencode(form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = "{0.scheme}://{0.netloc}".format(urlsplit(begun_at or url))
        parts = urlsplit(url)
        base = urlsplit(self.site.settings.base_url).path
        target = parts.path.removeprefix(base) + (f"?{parts.query}" if parts.query else "")
        rest = {name: value for name, value in options.items() if name != "headers"}
        rest = {"accept": HTML, "host": parts.netloc, **rest}
        cookies = self.cookies(cross_site=foreign and begun_at is not None, method=method)
        answer = self.site.ask(target, method, headers=headers, cookies=cookies, body=body, **rest)
        self._keep(answer)
        return answer

    def _at_provider(self, url: str) -> Answer:
        if urlsplit(url).path == "/logout":
            return Answer(200)
        sent = self.site.provider.authorize(url)
        if sent.form is None:
            return Answer(sent.status, [("location", sent.location)])
        fields = "".join(f'<input name="{n}" value="{html.escape(v)}">' for n, v in sent.form.items())
        return Answer(200, [("x-form-action", sent.location)], fields.encode())

    def _following(
        self, answer: Answer, url: str
    ) -> tuple[str, str, Mapping[str, str] | None, str | None] | None:
        """Where an answer leads by itself: method, URL, form, and the page that begins anew."""
        if answer.status in (301, 302, 303, 307, 308):
            return "GET", urljoin(url, answer.location), None, None
        action = answer.header("x-form-action")
        if action is not None:
            fields = re.findall(r'name="([^"]+)" value="([^"]*)"', answer.text)
            return "POST", action, {name: html.unescape(value) for name, value in fields}, url
        refresh = _REFRESH.search(answer.text) if answer.body.startswith(b"<!") else None
        if refresh is not None:
            return "GET", urljoin(url, html.unescape(refresh[1])), None, url
        return None

    def _keep(self, answer: Answer) -> None:
        for header in answer.header_list("set-cookie"):
            pair, *rest = header.split("; ")
            name, _, value = pair.partition("=")
            attributes = {key.lower(): text for key, _, text in (part.partition("=") for part in rest)}
            _check(name, value, attributes)
            if attributes.get("max-age") == "0":
                self.jar.pop(name, None)
                continue
            expires = self.site.clock() + int(attributes["max-age"]) if "max-age" in attributes else None
            self.jar[name] = Cookie(value, attributes["path"], attributes["samesite"].lower(), expires)


def _rides_along(cookie: Cookie, method: str) -> bool:
    """Whether a cookie goes along with a top-level request that another site caused."""
    return cookie.samesite == "none" or (cookie.samesite == "lax" and method in ("GET", "HEAD"))


def _check(name: str, value: str, attributes: Mapping[str, str]) -> None:
    """What a browser would refuse to store fails the test."""
    assert len(name) + len(value) <= 4096, "browsers keep no larger cookie"
    assert "httponly" in attributes
    if name.startswith("__Host-"):
        assert "secure" in attributes
        assert attributes["path"] == "/"
        assert "domain" not in attributes
    assert attributes["samesite"].lower() != "none" or "secure" in attributes

"""The frame of every HTML page of ours: document, security headers, Content-Security-Policy.

No page knows a request or a clock; it is data in, ``Page`` out. Escaping happens in ``Markup.format`` and
nowhere else: text goes into a page as an argument of a template, never joined to it (security rule 32).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from idaware.pages.style import BASE_CSS, ICONS, MARK, Tone

DEFAULT_BRAND: Final = "idaware"


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer but for ``Content-Length``. For HEAD the adapter leaves the body out."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


_SAFETY_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def plain_headers(content_type: str, extra: Sequence[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """The headers of an answer that is not HTML: its type, ``no-store``, ``nosniff``, then ``extra``."""
    return [("Content-Type", content_type), *_SAFETY_HEADERS, *extra]


def _format_policy(directives: Mapping[str, str]) -> str:
    for name, value in directives.items():
        if not _DIRECTIVE.fullmatch(f"{name} {value}"):
            raise ValueError(f"{name} {value!r} cannot be a Content-Security-Policy directive")
    return "; ".join(f"{name} {value}" for name, value in directives.items())


_DIRECTIVE: Final = re.compile(r"[a-z-]+ [\x21-\x2b\x2d-\x3a\x3c-\x7e]+(?: [\x21-\x2b\x2d-\x3a\x3c-\x7e]+)*")
"""No ``;`` and no ``,`` in a value: they begin another directive, another policy (CSP3 section 2.2)."""


@lru_cache(maxsize=64)
def _source_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _content_security_policy(css: str, script: str | None, overrides: Mapping[str, str]) -> str:
    directives = {
        "default-src": "'none'",
        "style-src": _source_hash(css),
        "img-src": "data:",  # the icon in the tab, so that no browser asks the application for /favicon.ico
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    if script is not None:
        directives["script-src"] = _source_hash(script)
    return _format_policy({**directives, **overrides})


_ENDS_EARLY: Final = re.compile(r"</|<!--")

_ICON: Final = Markup(
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='%230a5c6b'%3E"
    "%3Cpath d='M12 1.5 3.5 4.7v6.6c0 5.2 3.5 9 8.5 10.7 5-1.7 8.5-5.5 8.5-10.7V4.7z'/%3E"
    "%3Cpath fill='%23fff' d='M12 7.5a2.6 2.6 0 0 1 1.2 4.9V17h-2.4v-4.6A2.6 2.6 0 0 1 12 7.5z'/%3E%3C/svg%3E"
)

_DOCUMENT: Final = Markup(
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n<meta name="robots" content="noindex">\n{refresh}'
    '<title>{title}</title>\n<link rel="icon" href="{icon}">\n<style>{css}</style>\n</head>\n<body{wide}>\n'
    '<header class="brand">{mark}<span>{brand}</span></header>\n'
    "<main>\n{body}\n</main>\n"
    '<footer class="foot">{foot}</footer>\n{script}</body>\n</html>\n'
)
_REFRESH: Final = Markup('<meta http-equiv="refresh" content="0; url={}">\n')
_SCRIPT: Final = Markup("<script>{}</script>\n")
_FOOT: Final = Markup("<span>Access is controlled by idaware, and every decision is recorded.</span>")


def html_page(
    title: str,
    body: Markup,
    *,
    status: int = 200,
    brand: str = DEFAULT_BRAND,
    extra_css: str = "",
    script: str | None = None,
    csp: Mapping[str, str] | None = None,
    headers: Sequence[tuple[str, str]] = (),
    foot: Markup = _FOOT,
    wide: bool = False,
    refresh_to: str | None = None,
    keep_opener: bool = False,
) -> Page:
    """A page in our clothes. ``body`` is what stands inside ``<main>``; it brings the one ``h1``.

    * ``extra_css`` and ``script``: constants of the caller, never made from data; both go in by their hash.
      ``ValueError`` where one could end its element early.
    * ``csp``: directives that replace or join ours, e.g. ``{"connect-src": "'self'"}``; ``ValueError`` for a
      value that would begin another directive. Chromium holds ``form-action`` against redirects too: a form
      whose answer redirects elsewhere has to name that origin.
    * ``refresh_to``: go there at once, without a script. The caller has checked the address.
    * ``keep_opener``: no ``Cross-Origin-Opener-Policy``, for a window that has to talk to its opener.
    """
    css = BASE_CSS + extra_css
    if _ENDS_EARLY.search(css) or _ENDS_EARLY.search(script or ""):
        raise ValueError(
            "a stylesheet or script of a page holds '</' or '<!--': it could end its element early"
        )
    text = _DOCUMENT.format(
        refresh=_REFRESH.format(refresh_to) if refresh_to is not None else "",
        title=title if title == brand else f"{title} · {brand}",
        icon=_ICON,
        css=Markup(css),  # noqa: S704 - a constant of the caller, searched above
        wide=Markup(' class="wide"') if wide else "",
        mark=MARK,
        brand=brand,
        body=body,
        foot=foot,
        script=_SCRIPT.format(Markup(script)) if script is not None else "",  # noqa: S704 - as above
    )
    policy = _content_security_policy(css, script, csp or {})
    opener = () if keep_opener else (("Cross-Origin-Opener-Policy", "same-origin"),)
    return Page(
        status,
        plain_headers("text/html; charset=utf-8", (("Content-Security-Policy", policy), *opener, *headers)),
        text.encode("utf-8", "replace"),  # a lone surrogate from a hostile path must not become an exception
    )


_CARD: Final = Markup(
    '<section class="card {tone}">\n<p class="eyebrow"><span class="badge">{icon}</span>'
    "<span>{eyebrow}</span></p>\n<h1>{heading}</h1>\n{body}\n</section>"
)


def card(heading: str, body: Markup, *, eyebrow: str, icon: str, tone: Tone = "plain") -> Markup:
    """The main card of a page, with its ``h1``.

    ``icon`` is a name in ``style.ICONS``; ``eyebrow`` says in words what ``tone`` says in colour.
    """
    return _CARD.format(tone=tone, icon=ICONS[icon], eyebrow=eyebrow, heading=heading, body=body)

"""What kind of answer a request is after: a page for a person, a document for a program, a trip to the provider.

The rules are those of the configuration's "Sent to the provider": only a top-level navigation may be
redirected to a sign-in. A redirect in answer to anything else ends in an opaque CORS failure or an HTML page
where JSON was expected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from idaware.request import Request

_READING = frozenset({"GET", "HEAD"})
_FRAMES = frozenset({"iframe", "frame", "fencedframe", "embed", "object"})
_HTML = frozenset({"text/html", "application/xhtml+xml", "text/*"})
_JSON = frozenset({"application/json", "application/problem+json", "application/*"})
_QUALITY = re.compile(r";[ \t]*q=([^;,\s]*)")
_QVALUE = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_MAX_ACCEPT_CHARACTERS = 2048


def is_navigation(request: Request) -> bool:
    """Whether a browser is loading this as the page in its address bar, so that it may be sent to the provider.

    ``Sec-Fetch-Mode`` and ``Sec-Fetch-Dest`` may be absent (plain HTTP, old browsers); then ``Accept`` alone decides.
    """
    return request.headers.get("sec-fetch-dest", "document") == "document" and _loads_a_page(request)


def in_frame(request: Request) -> bool:
    """Whether a browser is loading this as the page of a frame, which gets a link instead of a redirect."""
    return request.headers.get("sec-fetch-dest") in _FRAMES and _loads_a_page(request)


def wants_html(accept: str | None) -> bool:
    """Whether ``Accept`` names HTML, at least as willingly as JSON. A lone ``*/*`` is a program's."""
    if accept is None:
        return False
    html, json = _preferences(accept)
    return 0 < html >= json


def _loads_a_page(request: Request) -> bool:
    headers = request.headers
    return (
        request.protocol == "http"
        and request.method in _READING
        and headers.get("sec-fetch-mode", "navigate") == "navigate"
        and not _is_prefetch(headers)
        and "x-requested-with" not in headers
        and not headers.get("authorization", "").lower().startswith("bearer")
        and wants_html(headers.get("accept"))
    )


def _is_prefetch(headers: Mapping[str, str]) -> bool:
    """``Sec-Purpose: prefetch;prerender``, and the older ``Purpose: prefetch``."""
    return any("prefetch" in headers.get(name, "").lower() for name in ("sec-purpose", "purpose"))


def _preferences(accept: str) -> tuple[float, float]:
    html = json = 0.0
    for media_range in accept[:_MAX_ACCEPT_CHARACTERS].lower().split(","):
        media_type = media_range.partition(";")[0].strip(" \t")
        if media_type in _HTML:
            html = max(html, _quality(media_range))
        elif media_type in _JSON:
            json = max(json, _quality(media_range))
    return html, json


def _quality(media_range: str) -> float:
    """The weight of a media range (RFC 9110 section 12.4.2); one that is not well formed weighs nothing."""
    match = _QUALITY.search(media_range)
    if match is None:
        return 1.0
    return float(match[1]) if _QVALUE.fullmatch(match[1]) else 0.0

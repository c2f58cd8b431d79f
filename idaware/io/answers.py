"""What an HTTP exchange with the provider came to: an answer, the provider's fault, or nobody there.

Shared by the blocking and the asynchronous ports, so that neither is stricter than the other. Pure; messages name
the host and the cause, never a query, a body or a header that we sent (security rules 21, 27, 29).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from idaware.effects import JsonAnswer
from idaware.errors import ProviderMisbehaved, ProviderUnavailable
from idaware.identity import Json
from idaware.strict_json import AmbiguousJson, read_json

MAX_ANSWER_BYTES = 1_048_576
MAX_JSON_DEPTH = 64
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})(?!\d)", re.IGNORECASE)
_NOT_CACHED = re.compile(r"(?:^|[\s,])no-(?:store|cache)(?:$|[\s,])", re.IGNORECASE)


def host_of(url: str) -> str:
    """The host and port of ``url``, for messages; nothing else of it may show."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "an address without a host"
    except ValueError:
        return "an address that is not a URL"


def check_status(url: str, status: int) -> None:
    """Refuse what is no answer to use: a redirect (security rule 15), 1xx, 5xx and 429.

    Raises ``ProviderMisbehaved`` or ``ProviderUnavailable``.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ProviderUnavailable(f"{host_of(url)} answered {status}; it is overloaded or broken")
    if status < HTTPStatus.OK or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise ProviderMisbehaved(f"{host_of(url)} answered {status}; redirects are not followed")


def too_large(url: str) -> ProviderMisbehaved:
    """The error for an answer beyond ``MAX_ANSWER_BYTES`` (security rule 12)."""
    return ProviderMisbehaved(f"{host_of(url)} answered with more than {MAX_ANSWER_BYTES} bytes")


def too_slow(url: str, seconds: float) -> ProviderUnavailable:
    """The error for an answer that is not complete after ``seconds``."""
    return ProviderUnavailable(f"{host_of(url)} gave no complete answer within {seconds:g} s")


def read_answer(url: str, status: int, headers: Mapping[str, str], body: bytes) -> JsonAnswer:
    """The answer, with its JSON read strictly; ``body`` is ``None`` where it is not JSON.

    Raises ``ProviderMisbehaved`` for JSON that can be read in two ways: duplicate names, ``NaN``, lone surrogates.
    """
    return JsonAnswer(
        status,
        _read_body(url, body),
        max_age_seconds=_max_age(headers.get("cache-control", "")),
        content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
        date=_date(headers.get("date", "")),
    )


def _read_body(url: str, body: bytes) -> Json:
    if not body.strip():
        return None
    try:
        return read_json(body.decode("utf-8-sig"), max_depth=MAX_JSON_DEPTH)
    except AmbiguousJson as problem:
        message = f"{host_of(url)} answered with JSON that is not acceptable: {problem}"
        raise ProviderMisbehaved(message) from None
    except ValueError:  # not UTF-8, or no JSON
        return None


def _max_age(cache_control: str) -> int | None:
    """RFC 9111 section 5.2.2. NOT CHECKED: ``Age``; whoever uses this keeps within bounds of its own."""
    if _NOT_CACHED.search(cache_control):
        return 0
    found = _MAX_AGE.search(cache_control)
    return int(found[1]) if found else None


def _date(value: str) -> float | None:
    """The ``Date`` header (RFC 9110 section 6.6.1) as UTC epoch seconds."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

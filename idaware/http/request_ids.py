"""Identifiers that callers bring along: ``X-Request-ID`` and W3C ``traceparent``. Both only label records."""

from __future__ import annotations

import re

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:@=+/-]{1,128}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def clean_request_id(value: str | None) -> str | None:
    """``value`` when it may go into records and headers (1 to 128 plain characters), else ``None``."""
    return value if value is not None and _REQUEST_ID.fullmatch(value) else None


def trace_ids(traceparent: str | None) -> tuple[str, str] | None:
    """``(trace_id, span_id)`` of a ``traceparent`` header (W3C Trace Context section 3.2), ``None`` when it
    is invalid.

    Versions above ``00`` may carry more fields; ``ff`` and identifiers of zeros only are invalid.
    """
    match = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)
    if match is None or (match.group(3) is not None and match.string.startswith("00")):
        return None
    trace_id, span_id = match.group(1, 2)
    return (trace_id, span_id) if trace_id.strip("0") and span_id.strip("0") else None

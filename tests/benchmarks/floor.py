"""F: what people would call the least that such a thing can cost, written with the standard library.

One HMAC-SHA256 check, one ``json.loads`` of a session, one look-up of a rule, one ``json.dumps`` of a record.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from visitor import GROUP, HOST, PAGE_HEADERS, PATH, PERSON

_KEY = b"k" * 32


def floor() -> Callable[[], object]:
    """One request's worth of F."""
    session = {**PERSON, "iat": 1_790_000_000, "exp": 1_790_028_800, "sid": "x" * 22, "padding": "p" * 300}
    payload = urlsafe_b64encode(json.dumps(session).encode())
    signature = hmac.new(_KEY, payload, hashlib.sha256).digest()
    rules = {f"/area{number}": {f"sre-{number}"} for number in range(1000)}
    area = PATH[: PATH.index("/", 1)]

    def request() -> str:
        if not hmac.compare_digest(hmac.new(_KEY, payload, hashlib.sha256).digest(), signature):
            raise AssertionError
        person = json.loads(urlsafe_b64decode(payload))
        if GROUP not in rules[area]:
            raise AssertionError
        return json.dumps(
            {
                "time": "2026-01-31T08:15:00.123456Z",
                "decision": "allow",
                "reason": "allowed_by_rule",
                "rule": area,
                "subject": person["sub"],
                "email": person["email"],
                "groups": person["groups"],
                "method": "GET",
                "host": HOST,
                "path": PATH,
                "client_ip": "10.0.0.1",
                "user_agent": PAGE_HEADERS["user-agent"],
                "status": 200,
            }
        )

    return request

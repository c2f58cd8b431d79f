"""What programs get: problem details (RFC 9457), and the bodies of ``healthz`` and ``readyz``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from idaware.identity import Json
from idaware.pages.document import Page, plain_headers
from idaware.pages.refusal import Refusal, with_challenge
from idaware.pages.wording import groups_left_out_wording, status_phrase

PROBLEM_TYPE: Final = "application/problem+json"


def json_page(
    status: int,
    body: Mapping[str, Json],
    *,
    content_type: str = "application/json",
    headers: Sequence[tuple[str, str]] = (),
) -> Page:
    """``body`` as JSON, ASCII only: no text of a client's can break it, whatever it holds."""
    text = json.dumps(dict(body), ensure_ascii=True)
    return Page(status, plain_headers(content_type, headers), text.encode("ascii") + b"\n")


def _detail(facts: Refusal) -> str:
    parts = [facts.reason.sentence]
    if facts.detail:
        parts.append(facts.detail)
    if facts.groups_left_out is not None:
        parts.extend(groups_left_out_wording(facts.groups_left_out))
    return " ".join(parts)


def problem(facts: Refusal) -> Page:
    """A refusal as problem details.

    ``type`` is ``about:blank`` and ``title`` the status's phrase (RFC 9457 section 4.2.1): what tells
    refusals apart is ``reason``, from the closed list. ``login_url`` comes with a 401 only.
    """
    body: dict[str, Json] = {
        "type": "about:blank",
        "title": status_phrase(facts.status),
        "status": facts.status,
        "detail": _detail(facts),
        "reason": facts.reason.value,
        "rule": facts.rule_id,
        "request_id": facts.request_id,
    }
    further: dict[str, Json] = {
        "rule_reason": facts.rule_reason,
        "groups_left_out": facts.groups_left_out,
        "login_url": facts.login_url if facts.status == 401 else None,
    }
    body.update({name: text for name, text in further.items() if text is not None})
    return json_page(facts.status, body, content_type=PROBLEM_TYPE, headers=with_challenge(facts))

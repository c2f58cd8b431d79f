"""What the three applications answer, written once: small pages that say who asked, and a word to look for."""

from html import escape
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parent / "static"
PROTECTED = "PROTECTED"
"""Stands in every answer of a handler that nobody may reach without signing in."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<body><h1>{title}</h1><p id="who">{who}</p><p id="groups">{groups}</p>{more}</body></html>"""


def page(title: str, identity: Any, *, more: str = "") -> str:
    """A page of the application for one person."""
    groups = ", ".join(sorted(identity.groups or ()))
    return _PAGE.format(title=escape(title), who=escape(identity.email or "nobody"), groups=groups, more=more)


def protected(title: str, identity: Any) -> str:
    """A page that takes a sign-in."""
    return page(title, identity, more=f"<p>{PROTECTED}</p>")


LIVE = """<p id="heard"></p><script>
const socket = new WebSocket(location.href.replace(/^http/, "ws").replace(/live$/, "ws"));
const say = text => { document.getElementById("heard").textContent = text; };
socket.onopen = () => socket.send("hello");
socket.onmessage = event => say(event.data);
socket.onclose = event => { if (!document.getElementById("heard").textContent) say("closed " + event.code); };
</script>"""
"""Opens a WebSocket to the same application and shows what comes back."""

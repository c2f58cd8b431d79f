"""What tests of the whole share: one guarded application behind either adapter, in process, without a network.

``Site`` is the application behind the gate, ``Application`` what it does, ``ScriptedProvider`` the login provider,
``Browser`` a person's browser, ``Clock`` the time. ``parity`` runs a scenario through both adapters, at the root and
below a prefix, and compares every answer and every record.

    site = Site("asgi")
    assert site.ask("/dash", accept=HTML).status == 302
    browser = Browser(site)
    assert browser.get("/dash").status == 200
"""

from support.application import Application, Seen
from support.browser import Browser
from support.clock import NOW, Clock
from support.parity import parity
from support.provider import CLIENT_ID, ISSUER, Person, ScriptedProvider
from support.site import ADAPTERS, HTML, JSON, POLICY, Answer, Site, drive

__all__ = [
    "ADAPTERS", "CLIENT_ID", "HTML", "ISSUER", "JSON", "NOW", "POLICY", "Answer", "Application", "Browser", "Clock",
    "Person", "ScriptedProvider", "Seen", "Site", "drive", "parity",
]  # fmt: skip

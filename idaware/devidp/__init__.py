"""The development provider: an OpenID provider on this machine, with people to pick from and faults on request.

Built on Authlib's server side. For development, the demo and tests; loopback only. A leaf: nothing but the
commands and tests imports it, and it needs uvicorn (extra ``demo``) only where it is served.
"""

from __future__ import annotations

from idaware.devidp.app import DevProvider, create_app
from idaware.devidp.clients import Client, Clients
from idaware.devidp.people import DEFAULT_PEOPLE, People, Person

__all__ = ["DEFAULT_PEOPLE", "Client", "Clients", "DevProvider", "People", "Person", "create_app"]

"""idaware as an application gets it: from its settings, with a policy file of a thousand rules and an audit file."""

from __future__ import annotations

import atexit
import time
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import bare
from rounds import Subject
from visitor import HOST, OWN_COOKIES, PAGE_HEADERS, PERSON, PROGRAM_HEADERS, PUBLIC_PATH

from idaware.asgi import IdentityMiddleware as AsgiMiddleware
from idaware.assembly import Runtime, policy_for
from idaware.policy.load import load_policy
from idaware.policy.model import PolicyContext
from idaware.policy.policy import Policy
from idaware.session.cookie import CookieCodec
from idaware.session.keys import KeyRing
from idaware.session.record import VERSION, Cut, Session, pack_digests
from idaware.session.sessions import CACHE_ENTRIES
from idaware.settings import Settings
from idaware.wsgi import IdentityMiddleware as WsgiMiddleware

RULES = 1000


def rules_text(count: int) -> bytes:
    """A policy file of so many rules; the visitor's is among the first ten."""
    rules = "".join(
        f"  - id: area-{number}\n"
        f"    paths: [/area{number}/**]\n"
        f"    methods: [GET, POST]\n"
        f"    allow: {{groups: [sre-{number}, admins]}}\n"
        f"    owner: platform@corp.example\n"
        for number in range(count)
    )
    public = f"  - {{id: public, paths: [{PUBLIC_PATH}], allow: public}}\n"
    return f"version: 1\napp: tool\nrules:\n{public}{rules}".encode()


def policy_of(count: int) -> Policy:
    """The policy of so many rules."""
    return load_policy(rules_text(count), source="policy.yaml", context=PolicyContext(now=time.time()))


@dataclass(frozen=True, slots=True)
class Guard:
    """The middleware for both protocols around the bare applications, and whoever visits it."""

    runtime: Runtime
    asgi: AsgiMiddleware
    wsgi: WsgiMiddleware
    codec: CookieCodec
    now: float

    def session(self, number: int = 0) -> Session:
        """The ``number``-th sign-in of the visitor."""
        cut = Cut.of(self.runtime.policy.wanted)
        now = int(self.now)
        return Session(
            v=VERSION,
            id=f"{number:022d}",
            started=now,
            expires=now + 28_800,
            renewed=now,
            subject=str(PERSON["sub"]),
            email=str(PERSON["email"]),
            email_verified=True,
            name=str(PERSON["name"]),
            user=str(PERSON["email"]),
            groups=("sre-7",),
            groups_total=4,
            auth_time=now,
            cut=pack_digests(cut.digests),
            wanted_id=cut.wanted_id,
        )

    def cookies(self, number: int = 0) -> str:
        """What the browser of that sign-in sends."""
        session = self.session(number)
        ours = {
            self.codec.session_name: self.codec.encode(session),
            self.codec.activity_name: self.codec.encode_activity(session, self.now),
        }
        return "; ".join([OWN_COOKIES, *(f"{name}={value}" for name, value in ours.items())])

    def forged(self, number: int) -> str:
        """A cookie of the right shape that nobody here signed; a different one for each number."""
        value = self.codec.encode(self.session(number))
        body, _, signature = value.rpartition(".")
        return f"{OWN_COOKIES}; {self.codec.session_name}={body}.{signature[::-1][1:]}{signature[-1]}"


def guard() -> Guard:
    """The middleware from settings, as an application gets it.

    Its clock stands still: else the cookies would age, and each request would get the new activity cookie that a
    browser gets once a minute.
    """
    folder = mkdtemp(prefix="idaware-benchmark-")
    atexit.register(rmtree, folder)  # after the audit trail, which writes until the process ends
    policy = Path(folder, "policy.yaml")
    policy.write_bytes(rules_text(RULES))
    settings = Settings.from_env(
        {
            "IDAWARE_ISSUER": "https://login.corp.example",
            "IDAWARE_CLIENT_ID": "tool",
            "IDAWARE_CLIENT_SECRET": "jX2mQ8vR4tK9wLzN",
            "IDAWARE_SECRET_KEYS": "w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa",
            "IDAWARE_BASE_URL": f"https://{HOST}",
            "IDAWARE_POLICY_FILE": str(policy),
            "IDAWARE_AUDIT": f"file:{folder}/audit.jsonl",
        }
    )
    now = time.time()
    runtime = Runtime(settings, policy_for(settings, now=now), app_name="tool", clock=repeat(now).__next__)
    ring = KeyRing(settings.secret_keys, settings.issuer, settings.client_id, settings.base_url)
    return Guard(
        runtime,
        AsgiMiddleware.around(bare.asgi, runtime),
        WsgiMiddleware.around(bare.wsgi, runtime),
        CookieCodec(ring, settings),
        now,
    )


def allowed(guard: Guard) -> list[Subject]:
    """Allowed requests: the second and later ones of a session, and the first ones.

    What counts is the time that a request takes on its own thread; "whole process" adds the thread that writes the
    audit records.
    """
    cookies = guard.cookies()
    assert bare.asgi_status(guard.asgi, PAGE_HEADERS, cookies) == 200
    assert bare.wsgi_status(guard.wsgi, PAGE_HEADERS, cookies) == 200
    assert bare.asgi_status(guard.asgi, PROGRAM_HEADERS, None) == 401
    many = [guard.cookies(number) for number in range(3 * CACHE_ENTRIES)]
    others = [guard.cookies(number) for number in range(3 * CACHE_ENTRIES, 6 * CACHE_ENTRIES)]
    asgi, wsgi = (
        bare.asgi_call(guard.asgi, PAGE_HEADERS, cookies),
        bare.wsgi_call(guard.wsgi, PAGE_HEADERS, cookies),
    )
    bare_asgi = Subject("a bare ASGI application", bare.asgi_call(bare.asgi, PAGE_HEADERS, cookies))
    bare_wsgi = Subject("a bare WSGI application", bare.wsgi_call(bare.wsgi, PAGE_HEADERS, cookies))
    written = guard.runtime.trail.flush
    return [
        Subject("idaware, ASGI", asgi, bare_asgi),
        Subject("idaware, WSGI", wsgi, bare_wsgi),
        Subject("idaware, ASGI, whole process", asgi, bare_asgi, written),
        Subject("idaware, WSGI, whole process", wsgi, bare_wsgi, written),
        Subject("idaware, ASGI, first request", bare.asgi_call(guard.asgi, PAGE_HEADERS, *many), bare_asgi),
        Subject("idaware, WSGI, first request", bare.wsgi_call(guard.wsgi, PAGE_HEADERS, *others), bare_wsgi),
    ]


def refused(guard: Guard) -> list[Subject]:
    """What it costs to find out that nobody is signed in.

    Beneath is the same request without a ``Cookie`` header. Both are for a public path, so that the page that a refusal
    would be answered with is in neither.
    """
    forged = [guard.forged(number) for number in range(100)]
    public = partial(bare.asgi_call, path=PUBLIC_PATH)
    assert bare.asgi_status(guard.asgi, PROGRAM_HEADERS, forged[0]) == 401
    nobody = Subject("a public path, no cookies", public(guard.asgi, PROGRAM_HEADERS, None))
    return [
        Subject("other cookies, none of ours", public(guard.asgi, PROGRAM_HEADERS, OWN_COOKIES), nobody),
        Subject("a forged cookie", public(guard.asgi, PROGRAM_HEADERS, *forged), nobody),
    ]

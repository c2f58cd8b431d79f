"""What others charge for knowing who it is and asking for a group. None of them writes an audit record.

Where a peer lives in a framework, idaware is put around the same application beside it.

Each is set up as its documentation says, in its own cheapest way where there is a choice, and wrapped around the
same kind of view as the application beneath it. They never talk to a provider here.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import bare
from guarded import Guard
from rounds import Subject
from visitor import GROUP, HOST, OWN_COOKIES, PAGE_HEADERS, PATH, PERSON

from idaware.wsgi import IdentityMiddleware

_KEY = "w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa"


def starlette(guard: Guard) -> list[Subject]:
    """``SessionMiddleware``, and the application looks for the group in the session."""
    from itsdangerous import TimestampSigner
    from starlette.middleware.sessions import SessionMiddleware

    async def app(scope: Any, receive: Any, send: Any) -> None:
        allowed = GROUP in scope["session"].get("groups", ())
        await send(
            {
                "type": "http.response.start",
                "status": 200 if allowed else 403,
                "headers": [(b"content-type", b"text/plain")],
            }
        )
        await send({"type": "http.response.body", "body": b"hi"})

    wrapped = SessionMiddleware(app, secret_key=_KEY)
    signed = TimestampSigner(_KEY).sign(b64encode(json.dumps(PERSON).encode())).decode()
    cookies = f"{OWN_COOKIES}; session={signed}"
    assert bare.asgi_status(wrapped, PAGE_HEADERS, cookies) == 200
    assert bare.asgi_status(wrapped, PAGE_HEADERS, None) == 403
    beneath = Subject("a bare ASGI application", bare.asgi_call(bare.asgi, PAGE_HEADERS, cookies))
    return [Subject("Starlette SessionMiddleware", bare.asgi_call(wrapped, PAGE_HEADERS, cookies), beneath)]


def flask_oidc(guard: Guard) -> list[Subject]:
    """flask-oidc: ``require_login`` and the group out of the profile in Flask's signed session cookie."""
    from flask import Flask, abort, session
    from flask_oidc import OpenIDConnect

    def flask_app() -> Flask:
        app = Flask("benchmark")
        app.config.update(
            SECRET_KEY=_KEY,
            OIDC_CLIENT_SECRETS={
                "web": {
                    "client_id": "tool",
                    "client_secret": "s" * 20,
                    "issuer": "https://login.corp.example",
                }
            },
        )
        return app

    plain, guarded = flask_app(), flask_app()
    oidc = OpenIDConnect(guarded)
    # as if the provider's metadata had been fetched, which happens once in a process
    oidc.oauth.oidc.server_metadata["_loaded_at"] = time.time()

    @plain.route(PATH)
    def plain_view() -> str:
        return "hi"

    @guarded.route(PATH)
    @oidc.require_login
    def guarded_view() -> str:
        if GROUP not in session["oidc_auth_profile"]["groups"]:
            abort(403)
        return "hi"

    signed = guarded.session_interface.get_signing_serializer(guarded).dumps(
        {
            "oidc_auth_token": {
                "access_token": "a" * 32,
                "token_type": "Bearer",
                "expires_at": int(time.time()) + 28_800,
            },
            "oidc_auth_profile": PERSON,
        }
    )
    cookies = f"{OWN_COOKIES}; session={signed}"
    assert bare.wsgi_status(guarded, PAGE_HEADERS, cookies) == 200
    assert bare.wsgi_status(guarded, PAGE_HEADERS, None) == 302
    beneath = Subject("a Flask application", bare.wsgi_call(plain, PAGE_HEADERS, OWN_COOKIES))
    return [
        Subject("flask-oidc", bare.wsgi_call(guarded, PAGE_HEADERS, cookies), beneath),
        _ours("idaware, around Flask", plain, guard, beneath),
    ]


def mozilla_django_oidc(guard: Guard) -> list[Subject]:
    """mozilla-django-oidc: sessions and users in a database (SQLite in memory), ``login_required``, ``SessionRefresh``.

    The group comes out of the session; Django's own groups would be one more query.
    """
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command
    from django.test.utils import override_settings

    settings.configure(
        SECRET_KEY=_KEY,
        ALLOWED_HOSTS=[HOST],
        SECURE_PROXY_SSL_HEADER=None,
        ROOT_URLCONF="django_urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "mozilla_django_oidc",
        ],
        AUTHENTICATION_BACKENDS=[_BACKEND],
        LOGIN_URL="/oidc/authenticate/",
        OIDC_RP_CLIENT_ID="tool",
        OIDC_RP_CLIENT_SECRET="s" * 20,
        OIDC_RP_SIGN_ALGO="RS256",
        **{f"OIDC_OP_{name}_ENDPOINT": f"https://login.corp.example/{name.lower()}" for name in _ENDPOINTS},
    )
    django.setup()
    call_command("migrate", verbosity=0)
    with override_settings(MIDDLEWARE=_MIDDLEWARE):
        guarded = WSGIHandler()
    with override_settings(MIDDLEWARE=["django_plain_urls.use_these_urls"]):
        plain = WSGIHandler()
    cookies = f"{OWN_COOKIES}; sessionid={_django_session()}"
    assert bare.wsgi_status(guarded, PAGE_HEADERS, cookies) == 200
    assert bare.wsgi_status(guarded, PAGE_HEADERS, None) == 302
    beneath = Subject("a Django application", bare.wsgi_call(plain, PAGE_HEADERS, OWN_COOKIES))
    return [
        Subject("mozilla-django-oidc", bare.wsgi_call(guarded, PAGE_HEADERS, cookies), beneath),
        _ours("idaware, around Django", plain, guard, beneath),
    ]


def _ours(name: str, app: Callable[..., Any], guard: Guard, beneath: Subject) -> Subject:
    """The same application behind idaware."""
    middleware = IdentityMiddleware.around(app, guard.runtime)
    assert bare.wsgi_status(middleware, PAGE_HEADERS, guard.cookies()) == 200
    return Subject(name, bare.wsgi_call(middleware, PAGE_HEADERS, guard.cookies()), beneath)


_BACKEND = "mozilla_django_oidc.auth.OIDCAuthenticationBackend"
_ENDPOINTS = ("AUTHORIZATION", "TOKEN", "USER", "JWKS")
_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mozilla_django_oidc.middleware.SessionRefresh",
]


def _django_session() -> str:
    """What a sign-in leaves behind: a user, and a session in the database."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
    from django.contrib.sessions.backends.db import SessionStore

    user = get_user_model().objects.create_user("alice", PERSON["email"])
    store = SessionStore()
    store.update(
        {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: _BACKEND,
            HASH_SESSION_KEY: user.get_session_auth_hash(),
            "oidc_id_token_expiration": time.time() + 28_800,
            "groups": PERSON["groups"],
        }
    )
    store.save()
    return str(store.session_key)

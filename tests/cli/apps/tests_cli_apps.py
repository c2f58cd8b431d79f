"""Applications for ``idaware check --app`` and ``idaware run``."""

from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware

from idaware.asgi import IdentityMiddleware

wrapped = Starlette()
wrapped.add_middleware(GZipMiddleware)
wrapped.add_middleware(IdentityMiddleware)

outer = Starlette()
outer.add_middleware(IdentityMiddleware)
outer.add_middleware(GZipMiddleware)

plain = Starlette()
direct = IdentityMiddleware(Starlette())
flask_app = Flask(__name__)


async def function(scope, receive, send):
    pass


def wsgi_function(environ, start_response):
    return []


number = 7

"""The same for an ASGI server."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from idaware.asgi import IdentityMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_app.settings")

application = IdentityMiddleware(get_asgi_application())

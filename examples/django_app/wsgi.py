"""The application that a server serves: Django, and the gate around it."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from idaware.wsgi import IdentityMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_app.settings")

application = IdentityMiddleware(get_wsgi_application())

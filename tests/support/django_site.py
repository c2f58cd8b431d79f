"""Django for tests in this process: its settings can be made once only, so every test that needs some takes these.

``ready()`` first; then ``override_settings(ROOT_URLCONF=...)`` or ``request.urlconf`` for what a test needs of its own.
"""

from __future__ import annotations

import django
from django.conf import settings
from django.core.management import call_command
from django.test.utils import setup_test_environment

urlpatterns: list[object] = []
"""The routes until a test has its own."""


def ready() -> None:
    """Settings, applications, and a database in memory; any number of times."""
    if settings.configured:
        return
    settings.configure(
        SECRET_KEY="for tests only",
        ROOT_URLCONF="support.django_site",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:site?mode=memory&cache=shared"}
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MIDDLEWARE=["idaware.django.IdentityMiddleware"],
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
    )
    django.setup()
    setup_test_environment()
    call_command("migrate", verbosity=0)

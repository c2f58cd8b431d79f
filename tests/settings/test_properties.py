"""Whatever the environment holds, it ends in settings or in a ``SettingsError``, and no secret is shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.errors import SettingsError
from idaware.settings import SETTINGS, Settings, reread_secrets

KEY = "kJ8s-2mZqLx0VtB7nR4wYcE1uHfG6pDaQ9iXoTzS5vM"
SECRET = "hunter2-hunter3-hunter4"
ENOUGH = {
    "IDAWARE_ISSUER": "https://login.corp.example",
    "IDAWARE_CLIENT_ID": "billing-admin",
    "IDAWARE_CLIENT_SECRET": SECRET,
    "IDAWARE_SECRET_KEYS": KEY,
    "IDAWARE_BASE_URL": "https://billing.corp.example",
    "IDAWARE_ALLOW_GROUPS": "sre,finance",
}

variables = st.sampled_from([variable for setting in SETTINGS for variable in setting.variables])
keywords = st.sampled_from([s.name for s in SETTINGS] + [f"{s.name}_file" for s in SETTINGS if s.secret])
WORDS = [
    "true",
    "false",
    "8h",
    "1s",
    "a,b",
    "a=b",
    "https://a.example/",
    "http://localhost:1",
    "/a",
    "unix",
    "none",
    "off",
    "hash",
    "�",
    "X={email}",
    "google",
    "a@b.example",
    "redis://u:p@h",
    "10.0.0.0/33",
    "file:/x",
]
anything = st.text() | st.sampled_from(WORDS)
objects = st.recursive(
    anything
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary()
    | st.timedeltas(timedelta.min, timedelta.max),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        | st.frozensets(anything, max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=5,
)


def unreadable(path: str) -> str:
    raise PermissionError(13, "Permission denied")


@settings(max_examples=150)
@given(
    st.dictionaries(variables | st.text().map("IDAWARE_{}".format) | st.text(), anything, max_size=6),
    st.dictionaries(keywords | st.text(max_size=8), objects, max_size=4),
    st.booleans(),
)
def test_random_settings_raise_settings_errors_only(environ, overrides, with_enough):
    given_environ = (ENOUGH if with_enough else {}) | environ
    try:
        read = Settings.from_env(given_environ, overrides, read_text=unreadable)
    except SettingsError as error:
        problems = error.problems
    else:
        assert KEY not in repr(read)
        assert len(read.digest) == 12
        assert read.redirect_uri.startswith(("https://", "http://"))
        reread_secrets(read, given_environ, overrides, read_text=unreadable)
        return
    assert problems
    assert all(str(problem).isprintable() for problem in problems)


@settings(max_examples=100)
@given(
    st.sampled_from([setting for setting in SETTINGS if setting.secret]),
    st.sampled_from(["", "x", "\n", " ", "\x00", "\udcff", ",", "-----BEGIN PRIVATE KEY-----"]),
    st.sampled_from(["variable", "file", "keyword", "path"]),
    st.dictionaries(variables, anything, max_size=2),
)
def test_no_secret_is_in_any_message(setting, noise, way, others):
    hidden = f"{SECRET}{noise}"
    environ = {**ENOUGH, **others, "IDAWARE_CLIENT_SECRET": "x"}
    overrides = {}
    for variable in setting.variables:
        environ.pop(variable, None)
    if way == "keyword":
        overrides[setting.name] = hidden
    else:
        environ[setting.variables[0 if way == "variable" else 1]] = hidden if way != "file" else "/secret"
    try:
        shown = repr(Settings.from_env(environ, overrides, read_text=lambda path: hidden))
    except SettingsError as error:
        shown = str(error) + repr(error.problems) + repr(error.__context__) + repr(error.__cause__)
    assert SECRET not in shown


@given(st.text(alphabet="ab:/@.hunter2?#[]", max_size=30))
def test_credentials_of_an_address_are_never_shown(noise):
    for name in ("ISSUER", "BASE_URL", "LOGOUT_REDIRECT", "REQUEST_ACCESS_URL", "TRUSTED_ORIGINS", "HOSTS"):
        environ = ENOUGH | {f"IDAWARE_{name}": f"https://alice:{SECRET}@corp.example/{noise}"}
        with pytest.raises(SettingsError) as caught:
            Settings.from_env(environ)
        assert SECRET not in str(caught.value)

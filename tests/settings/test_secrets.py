"""Secrets are not shown, and are read again while the process runs."""

from __future__ import annotations

import pickle

import pytest

from idaware.errors import Problem
from idaware.settings import Secret, Settings, reread_secrets


def test_a_secret_shows_itself_on_request_only():
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}", "%s" % secret, repr([secret])):  # noqa: UP031
        assert "hunter2" not in shown


def test_secrets_compare_by_what_they_hold():
    assert Secret("ä") == Secret("ä")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_the_settings_show_no_secret(read, key):
    settings = read()
    for shown in (repr(settings), str(settings)):
        assert key not in shown
        assert "the-client-secret" not in shown
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_the_digest_depends_on_settings_and_not_on_secrets(read, key):
    digest = read().digest
    assert len(digest) == 12
    assert int(digest, 16) >= 0
    assert digest == read({"CLIENT_SECRET": "another", "SECRET_KEYS": key[::-1]}).digest
    assert digest != read({"SESSION_MAX": "7h"}).digest
    assert digest != read({"TRUSTED_PROXIES": "10.0.0.0/8,unix"}).digest


FILES = {"IDAWARE_SECRET_KEYS_FILE": "/keys", "IDAWARE_CLIENT_SECRET_FILE": "/secret"}


@pytest.fixture
def from_files(enough, key):
    environ = {name: value for name, value in enough.items() if f"{name}_FILE" not in FILES} | FILES
    files = {"/keys": key, "/secret": "first"}
    return environ, files, Settings.from_env(environ, read_text=files.__getitem__)


def test_files_that_did_not_change_leave_the_settings_as_they_are(from_files):
    environ, files, settings = from_files
    again = reread_secrets(settings, environ, read_text=files.__getitem__)
    assert again.settings is settings
    assert again.problems == ()


def test_a_changed_file_is_picked_up(from_files, key):
    environ, files, settings = from_files
    files |= {"/keys": f"{key[::-1]}\n{key}\n", "/secret": "second\n"}
    again = reread_secrets(settings, environ, read_text=files.__getitem__)
    assert again.settings.secret_keys == (Secret(key[::-1]), Secret(key))
    assert again.settings.client_secret == Secret("second")
    assert again.settings.digest == settings.digest
    assert again.problems == ()


@pytest.mark.parametrize("content", ["", "short", "changeme" * 5])
def test_wrong_new_content_keeps_the_old_one_and_says_so(from_files, content):
    environ, files, settings = from_files
    files |= {"/keys": content, "/secret": "second"}
    again = reread_secrets(settings, environ, read_text=files.__getitem__)
    assert again.settings.secret_keys == settings.secret_keys
    assert again.settings.client_secret == Secret("second")
    assert [problem.where for problem in again.problems] == ["IDAWARE_SECRET_KEYS_FILE"]


def test_a_file_that_vanished_keeps_the_old_content(from_files):
    environ, _, settings = from_files

    def gone(path: str) -> str:
        raise FileNotFoundError(2, "No such file or directory")

    again = reread_secrets(settings, environ, read_text=gone)
    assert again.settings is settings
    assert [problem.where for problem in again.problems] == [
        "IDAWARE_CLIENT_SECRET_FILE",
        "IDAWARE_SECRET_KEYS_FILE",
    ]


def test_a_variable_that_vanished_keeps_the_old_secret(from_files):
    environ, files, settings = from_files
    del environ["IDAWARE_CLIENT_SECRET_FILE"]
    again = reread_secrets(settings, environ, read_text=files.__getitem__)
    assert again.settings is settings
    assert again.problems == (Problem("IDAWARE_CLIENT_SECRET", "is gone"),)


def test_a_secret_that_was_not_there_at_the_start_stays_away(from_files, key):
    environ, files, settings = from_files
    again = reread_secrets(settings, environ | {"IDAWARE_AUDIT_KEY": key}, read_text=files.__getitem__)
    assert again.settings is settings


def test_wrong_secret_keys_are_a_problem_that_does_not_show_them(from_files):
    environ, files, settings = from_files
    files["/keys"] = "hunter2"
    again = reread_secrets(settings, environ, read_text=files.__getitem__)
    assert again.settings is settings
    (problem,) = again.problems
    assert problem.where == "IDAWARE_SECRET_KEYS_FILE"
    assert "hunter2" not in problem.message

"""``--app``: an application of one's own, ASGI or WSGI, wrapped or not, against the development provider."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from idaware.demo import own_app
from idaware.demo.hosting import Demo
from idaware.demo.tail import Tail
from idaware.devidp import DEFAULT_PEOPLE
from idaware.errors import ConfigurationError

POLICY = """\
version: 1
app: {app}
rules:
  - {{id: hello, paths: [/**], methods: [GET], allow: {{groups: [sre]}}}}
"""

FLASK = """\
    from flask import Flask, request
    from idaware.wsgi import IdentityMiddleware

    app = Flask(__name__)

    @app.get("/")
    def hello() -> str:
        return f"hello {request.environ['idaware.identity'].subject}"

    bare = Flask(__name__)
    bare.add_url_rule("/", view_func=hello)
    app.wsgi_app = IdentityMiddleware(app.wsgi_app)
"""

STARLETTE = """\
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from idaware.asgi import IdentityMiddleware

    async def hello(request):
        return PlainTextResponse(f"hello {request.scope['idaware'].subject}")

    routes = [Route("/", hello)]
    bare = Starlette(routes=routes)
    app = IdentityMiddleware(bare)
    listed = Starlette(routes=routes, middleware=[Middleware(IdentityMiddleware)])

    async def broken(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], str]]:
    """Makes a module in a directory of its own; its name. It is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(name: str, code: str) -> str:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        made.append(name)
        return name

    yield make
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.format(app="own"), encoding="utf-8")
    return path


@pytest.fixture
def start(closing: ExitStack, policy: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Demo]:
    """Starts the demo with an application; stopped at the end. The environment is put back as it was."""
    import os

    monkeypatch.setattr(os, "environ", os.environ.copy())

    def begin(name: str, **options: Any) -> Demo:
        options = {"policy": policy, "people": DEFAULT_PEOPLE, "environ": os.environ, **options}
        return closing.enter_context(own_app.start(name, port=0, provider_port=0, **options))

    return begin


def until(feed: Any, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first record that is wanted; records of an application of one's own come by way of a file."""
    from queue import SimpleQueue

    queue: SimpleQueue[Any] = SimpleQueue()
    stop = feed.watch(queue.put)
    for record in feed.since(None):
        queue.put(record)
    try:
        while True:
            record = queue.get(timeout=10)
            if wanted(record):
                return record
    finally:
        stop()


@pytest.mark.parametrize(
    ("code", "attribute", "wrapped_here"),
    [
        (FLASK, "app", False),
        (FLASK, "bare", True),
        (STARLETTE, "app", False),
        (STARLETTE, "listed", False),
        (STARLETTE, "bare", True),
    ],
    ids=[
        "flask with its line",
        "flask without",
        "starlette wrapped",
        "starlette listed",
        "starlette without",
    ],
)
def test_an_application_signs_people_in_at_the_development_provider(
    code: str, attribute: str, wrapped_here: bool, module: Any, start: Any, closing: ExitStack
) -> None:
    from demo.conftest import Person

    demo = start(f"{module('own_tool', code)}:{attribute}")
    somebody = Person(demo.url)
    closing.callback(somebody.http.close)
    page = somebody.choose(somebody.get("/"), "alice")
    assert (page.status_code, page.text) == (200, "hello alice")
    refused = somebody.be("bob")
    assert refused.status_code == 403
    seen = until(demo.feed, lambda record: record["decision"] == "deny")
    assert (seen["subject"], seen["rule"], seen["app"]) == ("bob", "hello", "own")
    assert any("has put one around it" in note for note in demo.notes) is wrapped_here


@pytest.mark.parametrize("code", [FLASK, STARLETTE], ids=["wsgi", "asgi"])
def test_other_machines_are_refused_here_too(code: str, module: Any, start: Any) -> None:
    demo = start(f"{module('own_tool', code)}:app")
    answer = httpx2.get(demo.url, headers={"x-forwarded-for": "203.0.113.9"}, trust_env=False)
    assert answer.status_code == 403
    assert "this machine only" in answer.text


def test_its_records_are_shown_on_an_address_of_their_own(module: Any, start: Any) -> None:
    demo = start(f"{module('own_tool', FLASK)}:app")
    page = httpx2.get(demo.records_url, trust_env=False)
    assert 'data-stream="/stream"' in page.text
    assert "own_tool:app" in page.text
    httpx2.get(demo.url, headers={"x-request-id": "own-1"}, trust_env=False)
    with (
        httpx2.Client(trust_env=False, timeout=10) as http,
        http.stream("GET", f"{demo.records_url}/stream") as answer,
    ):
        assert any('"request_id":"own-1"' in line for line in answer.iter_lines())


def test_an_application_that_does_not_start_is_reported(module: Any, start: Any) -> None:
    with pytest.raises(ConfigurationError, match="--app: does not start"):
        start(f"{module('own_tool', STARLETTE)}:broken")


def test_an_application_that_is_not_there_is_reported(start: Any) -> None:
    with pytest.raises(ConfigurationError, match="--app: 'no_such_module:app' cannot be loaded"):
        start("no_such_module:app")


def test_a_policy_that_is_wrong_is_reported_before_the_application_is_imported(
    module: Any, start: Any, policy: Path
) -> None:
    policy.write_text("version: 1\nrules: [{id: a, paths: [/], alow: public}]", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="alow"):
        start(f"{module('own_tool', 'raise SystemExit')}:app")


def test_without_uvicorn_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch, start: Any) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'idaware\[demo\]'"):
        start("x:y")


# --- the environment


def ours(policy: Path | None) -> dict[str, str]:
    return own_app.variables("http://localhost:8000", "http://127.0.0.1:9000", "secret", policy)


def test_variables_of_another_provider_are_set_aside_and_named(policy: Path) -> None:
    environ = {
        "PATH": "/bin",
        "IDAWARE_ISSUER": "https://login.corp.example",
        "IDAWARE_CLIENT_SECRET_FILE": "/run/secrets/oidc",
        "IDAWARE_GROUPS_CLAIM": "roles",
        "IDAWARE_BRAND": "Mine",
    }
    notes = own_app.take_over(environ, ours(policy))
    assert environ["IDAWARE_ISSUER"] == "http://127.0.0.1:9000"
    assert environ["IDAWARE_BRAND"] == "Mine"
    assert environ["PATH"] == "/bin"
    assert not {"IDAWARE_CLIENT_SECRET_FILE", "IDAWARE_GROUPS_CLAIM"} & set(environ)
    assert notes == [
        "Set aside for the demo: IDAWARE_CLIENT_SECRET_FILE, IDAWARE_GROUPS_CLAIM, IDAWARE_ISSUER."
    ]


def test_a_policy_of_the_environment_counts_where_none_is_given(policy: Path) -> None:
    environ = {"IDAWARE_POLICY_FILE": str(policy)}
    assert own_app.take_over(environ, ours(None)) == []
    assert environ["IDAWARE_POLICY_FILE"] == str(policy)
    environ = {"IDAWARE_ALLOW_GROUPS": "sre"}
    assert own_app.take_over(environ, ours(None)) == []
    assert environ["IDAWARE_ALLOW_GROUPS"] == "sre"


def test_a_policy_on_the_command_line_beats_those_of_the_environment(policy: Path) -> None:
    environ = {"IDAWARE_ALLOW_GROUPS": "sre", "IDAWARE_POLICY_FILE": "/elsewhere.yaml"}
    notes = own_app.take_over(environ, ours(policy))
    assert environ["IDAWARE_POLICY_FILE"] == str(policy)
    assert "IDAWARE_ALLOW_GROUPS" not in environ
    assert notes == ["Set aside for the demo: IDAWARE_ALLOW_GROUPS, IDAWARE_POLICY_FILE."]


def test_without_any_policy_nothing_starts_and_nothing_is_touched() -> None:
    environ = {"IDAWARE_ISSUER": "https://login.corp.example"}
    with pytest.raises(ConfigurationError, match="IDAWARE_POLICY_FILE"):
        own_app.take_over(environ, ours(None))
    assert environ == {"IDAWARE_ISSUER": "https://login.corp.example"}


# --- is it guarded?


class IdentityMiddleware:
    """By its name, as the real ones."""

    def __call__(self) -> None: ...


class Around:
    """A middleware of somebody else's."""

    def __init__(self, **kept: object) -> None:
        self.__dict__.update(kept)

    def __call__(self) -> None: ...


class Listed:
    def __init__(self, cls: object) -> None:
        self.cls = cls


def in_a_ring() -> Around:
    one = Around()
    one.__dict__["app"] = Around(app=one)
    return one


@pytest.mark.parametrize(
    ("app", "guarded"),
    [
        (IdentityMiddleware(), True),
        (Around(app=Around(wsgi_app=IdentityMiddleware())), True),
        (Around(_app=IdentityMiddleware()), True),
        (Around(user_middleware=[Listed(Around), Listed(IdentityMiddleware)]), True),
        (Around(user_middleware=[Listed(Around), object()]), False),
        (Around(app="a name", application=None), False),
        (in_a_ring(), False),
    ],
    ids=["itself", "inside twice", "private", "listed", "others listed", "nothing inside", "a ring"],
)
def test_the_gate_is_found_wherever_it_stands(app: object, guarded: bool) -> None:
    assert own_app.is_guarded(app) is guarded


# --- the file


def test_records_are_read_as_whole_lines_only(tmp_path: Path) -> None:
    path, seen = tmp_path / "audit.jsonl", []
    tail = Tail(path, seen.append)
    tail.read()
    path.write_bytes(b'{"a":1}\n{"b"')
    tail.read()
    assert seen == [{"a": 1}]
    with path.open("ab") as file:
        file.write(b":2}\ntorn\n[1]\n{}\n")
    tail.read()
    tail.read()
    assert seen == [{"a": 1}, {"b": 2}, {}]


def test_what_was_written_last_is_read_at_the_end(tmp_path: Path) -> None:
    path, seen = tmp_path / "audit.jsonl", []
    with Tail(path, seen.append):
        path.write_bytes(b'{"a":1}\n')
    assert seen == [{"a": 1}]

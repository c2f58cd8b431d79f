"""What is particular to WSGI: environ, ``start_response``, iterables, ``close``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

import idaware.wsgi
from idaware.errors import ConfigurationError
from idaware.wsgi import IdentityMiddleware
from support import Application, Site
from support.servers import Ask, environ_of

HOST = [("Host", "billing.corp.example")]


class Server:
    """``start_response`` and what it was told."""

    def __init__(self) -> None:
        self.started: list[tuple[str, list[tuple[str, str]], Any]] = []
        self.written = b""

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.started.append((status, headers, exc_info))
        return self.write

    def write(self, data: bytes) -> None:
        self.written += data


def answering(body: Any = (b"x",), status: str = "200 OK") -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        start_response(status, [])
        return body

    return app


def environ(target: str = "/public/x", method: str = "GET", **more: Any) -> dict[str, Any]:
    made = environ_of(Ask(target, method, headers=HOST))
    made.update(more)
    return made


def decisions(site: Site) -> list[dict[str, Any]]:
    return [record for record in site.sink.records if record["kind"] == "decision"]


# -- the environ -------------------------------------------------------------------------------------------------


def test_the_application_finds_who_is_asking() -> None:
    site = Site("wsgi")
    site.ask("/dash/x", cookies=site.signed_in())
    raw = site.app.seen[0].raw
    assert raw["idaware.identity"].principal == "login/alice"
    assert (raw["REMOTE_USER"], raw["AUTH_TYPE"]) == ("alice", "idaware")
    assert (raw["idaware.path"], raw["idaware.mount"]) == ("/dash/x", "")


@pytest.mark.parametrize("target", ["/public/x", "/dash/x"])
def test_an_inbound_remote_user_counts_for_nothing(target: str) -> None:
    seen: list[Any] = []

    def app(environ: Any, start_response: Any) -> Any:
        seen.append((environ.get("REMOTE_USER"), environ.get("AUTH_TYPE")))
        start_response("200 OK", [])
        return []

    site = Site("wsgi", app=app)
    cookies = "; ".join(f"{name}={value}" for name, value in site.signed_in().items())
    forged = {"REMOTE_USER": "root", "AUTH_TYPE": "Basic"}
    site.guarded(environ(target, **forged, HTTP_COOKIE=cookies), Server().start_response)
    site.guarded(environ("/public/x", **forged), Server().start_response)
    assert seen == [("alice", "idaware"), (None, None)]


@pytest.mark.parametrize(
    ("script_name", "path_info", "status"),
    [
        ("/apps", "/public/x", "200"),
        ("", "/public/x", "400"),
        ("/other", "/public/x", "400"),
        ("/apps/", "/public/x", "400"),
    ],
    ids=["configured", "missing", "another", "a slash more"],
)
def test_the_mount_is_the_configured_one(script_name: str, path_info: str, status: str) -> None:
    site = Site("wsgi", root_path="/apps", base_url="https://billing.corp.example/apps")
    server = Server()
    site.guarded(
        environ(SCRIPT_NAME=script_name, PATH_INFO=path_info, RAW_URI="/apps/public/x"), server.start_response
    )
    assert server.started[0][0][:3] == status
    if status == "400":
        assert decisions(site)[0]["reason"] == "mount_unknown"


@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI"])
@pytest.mark.parametrize(
    "raw", ["/public/%2e%2e/x", "http://billing.corp.example/public/x", "*", "/public/x%00"]
)
def test_the_raw_target_is_looked_at_where_the_server_gives_it(key: str, raw: str) -> None:
    site = Site("wsgi")
    server = Server()
    made = environ()
    del made["RAW_URI"]
    site.guarded({**made, key: raw}, server.start_response)
    assert decisions(site)[0]["reason"] == "path_ambiguous"


@pytest.mark.parametrize("raw", [None, "", b"/public/x"])
def test_no_raw_target_is_no_harm(raw: Any) -> None:
    site = Site("wsgi")
    server = Server()
    list(site.guarded(environ(RAW_URI=raw), server.start_response))
    assert server.started[0][0] == "200 OK"


def test_bytes_that_are_not_utf8_are_refused() -> None:
    site = Site("wsgi")
    site.guarded(environ(PATH_INFO="/public/\xff", RAW_URI=None), Server().start_response)
    assert decisions(site)[0]["reason"] == "path_ambiguous"


def test_an_environ_that_is_not_whole_is_closed() -> None:
    site = Site("wsgi")
    made = environ()
    del made["REQUEST_METHOD"]
    server = Server()
    site.guarded(made, server.start_response)
    assert server.started[0][0] == "500 Internal Server Error"
    assert decisions(site)[0]["reason"] == "internal_error"


def test_no_address_is_a_socket_file() -> None:
    site = Site("wsgi")
    list(site.guarded(environ(REMOTE_ADDR=""), Server().start_response))
    assert decisions(site)[0]["peer_ip"] == "unix"


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "²", "9" * 20])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    site = Site("wsgi", response_mode="form_post")
    server = Server()
    site.guarded(environ("/_idaware/callback", "POST", CONTENT_LENGTH=length), server.start_response)
    assert server.started[0][0][:3] in ("400", "413")
    assert decisions(site)[0]["reason"] == "request_too_large"


def test_a_form_without_a_length_is_empty() -> None:
    site = Site("wsgi", response_mode="form_post")
    site.guarded(environ("/_idaware/callback", "POST"), Server().start_response)
    assert decisions(site)[0]["reason"] == "login_state_unknown"


# -- the answer ----------------------------------------------------------------------------------------------------


def test_a_file_wrapper_goes_to_the_server_as_it_is(tmp_path: Any) -> None:
    with (tmp_path / "report.csv").open("w+b") as file:
        wrapped = FileWrapper(file)
        site = Site("wsgi", app=answering(wrapped))
        assert site.guarded(environ(), Server().start_response) is wrapped
        assert decisions(site)[0]["status"] == 200


def test_what_is_written_before_is_recorded_before() -> None:
    recorded: list[int] = []

    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        write(b"one")
        recorded.append(len(decisions(site)))
        write(b"two")
        return [b"three"]

    site = Site("wsgi", app=app)
    answer = site.ask("/public/x")
    assert answer.body == b"onetwothree"
    assert recorded == [1]
    assert answer.record["status"] == 200


def late(*chunks: Any, closed: list[str] | None = None) -> Any:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        try:
            start_response("201 Created", [])
            for chunk in chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                yield chunk
        finally:
            if closed is not None:
                closed.append("closed")

    return app


def test_an_application_that_starts_when_it_is_iterated_is_recorded_before_its_first_byte() -> None:
    site = Site("wsgi", app=late(b"one", b"two"))
    chunks = iter(site.guarded(environ(), Server().start_response))
    assert decisions(site) == []
    assert next(chunks) == b"one"
    assert decisions(site)[0]["status"] == 201


def test_closing_goes_to_the_application() -> None:
    closed: list[str] = []
    site = Site("wsgi", app=late(b"one", b"two", closed=closed))
    chunks: Any = site.guarded(environ(), Server().start_response)
    next(iter(chunks))
    chunks.close()
    assert closed == ["closed"]
    assert len(decisions(site)) == 1


def test_an_answer_that_was_never_iterated_is_recorded_when_it_is_closed() -> None:
    site = Site("wsgi", app=late(b"one"))
    chunks: Any = site.guarded(environ(), Server().start_response)
    chunks.close()
    assert decisions(site)[0]["status"] is None


class FailsToClose(list[bytes]):
    def close(self) -> None:
        raise OSError("cannot be closed")


def test_an_application_that_fails_to_close_is_recorded_all_the_same() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        return FailsToClose()

    site = Site("wsgi", app=app)
    chunks: Any = site.guarded(environ(), Server().start_response)
    with pytest.raises(OSError, match="cannot be closed"):
        chunks.close()
    assert len(decisions(site)) == 1


def test_an_application_that_fails_while_it_is_iterated_is_recorded() -> None:
    site = Site("wsgi", app=late(ValueError("broken")))
    answer = site.ask("/public/x")
    assert isinstance(answer.error, ValueError)
    assert answer.record["error"] == "ValueError"


def test_an_application_may_start_again_after_an_error() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("X-First", "1")])
        try:
            raise ValueError("broken")
        except ValueError as exc:
            start_response("500 Internal Server Error", [], (ValueError, exc, exc.__traceback__))
        return [b"sorry"]

    site = Site("wsgi", app=app)
    server = Server()
    list(site.guarded(environ(), server.start_response))
    assert [status[:3] for status, _, _ in server.started] == ["200", "500"]
    assert server.started[1][2][0] is ValueError
    assert decisions(site)[0]["status"] == 500


def test_a_worker_that_is_stopped_during_a_flow_is_recorded() -> None:
    def stop(endpoint: str) -> None:
        raise SystemExit(1)

    site = Site("wsgi")
    site.provider.before_answer = stop
    with pytest.raises(SystemExit):
        site.guarded(environ("/dash/x", HTTP_ACCEPT="text/html"), Server().start_response)
    (decision,) = decisions(site)
    assert (decision["decision"], decision["reason"], decision["status"]) == (
        "error",
        "connection_ended",
        None,
    )


def test_a_worker_that_is_stopped_while_the_application_works_is_recorded() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        raise SystemExit(1)

    site = Site("wsgi", app=app)
    with pytest.raises(SystemExit):
        site.guarded(environ(), Server().start_response)
    assert decisions(site)[0]["error"] == "SystemExit"


@pytest.mark.parametrize("target", ["/public/x", "/dash/x", "/_idaware/me", "/a//b"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_middleware_keeps_to_the_protocol(target: str, method: str) -> None:
    plain = [("Content-Type", "text/plain")]
    site = Site(
        "wsgi", app=validator(Application(headers=plain, chunks=() if method == "HEAD" else (b"x",)).wsgi)
    )
    made = environ(target, method)
    chunks: Any = validator(site.guarded)(made, Server().start_response)
    list(chunks)
    chunks.close()


# -- when it is not configured, and idaware.wsgi:app -----------------------------------------------------------


def test_a_construction_error_raises() -> None:
    with pytest.raises(ConfigurationError, match="IDAWARE_CLIENT_ID"):
        IdentityMiddleware(Application().wsgi, issuer="not a url")


def test_where_nothing_is_configured_every_request_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    middleware = IdentityMiddleware(Application().wsgi)
    assert "nothing is configured" in caplog.text
    server = Server()
    (body,) = middleware(environ(), server.start_response)
    assert server.started[0][0] == "500 Internal Server Error"
    assert b"IDAWARE" not in body
    with pytest.raises(ConfigurationError, match="IDAWARE_ISSUER"):
        _ = middleware.runtime


def test_the_runtime_is_there_when_it_is_configured() -> None:
    site = Site("wsgi")
    assert site.guarded.runtime is site.runtime


def test_the_module_serves_the_application_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "APP": "support.application:Application",
        "ISSUER": "https://login.op.example",
        "CLIENT_ID": "billing",
        "CLIENT_SECRET": "correct horse battery staple",
        "SECRET_KEYS": "w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa",
        "BASE_URL": "https://billing.corp.example",
        "ALLOW_GROUPS": "sre",
    }.items():
        monkeypatch.setenv(f"IDAWARE_{name}", value)
    assert isinstance(idaware.wsgi.app, IdentityMiddleware)
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        _ = idaware.wsgi.other

"""The provider in a thread and as a command; on loopback or not at all."""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from idaware.cli import dev_idp
from idaware.devidp import DevProvider, create_app, server
from idaware.errors import ConfigurationError


def get(url: str) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=10) as client:
        return client.get(url)


def quick(issuer: str) -> DevProvider:
    return DevProvider(issuer=issuer, signing_alg="ES256")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_provider_runs_in_a_thread_and_stops(host: str) -> None:
    before = set(threading.enumerate())
    provider, running = server.start_provider(quick, host=host)
    try:
        assert provider.issuer == running.url
        document = get(f"{running.url}/.well-known/openid-configuration")
        assert document.json()["issuer"] == provider.issuer
        assert len(document.headers.get_list("date")) == 1
    finally:
        running.stop()
    with pytest.raises(httpx2.ConnectError):
        get(running.url)
    assert "idaware-server" not in [thread.name for thread in set(threading.enumerate()) - before]


def test_the_default_provider_runs_too_and_a_with_block_stops_it() -> None:
    provider, running = server.start_provider()
    with running:
        assert get(f"{running.url}/jwks").json()["keys"][0]["alg"] == "RS256"
    assert provider.hits == {"jwks": 1}


def test_any_application_can_be_served_with_its_lifespan() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{kind}"
                seen.append(kind)
                await send({"type": f"lifespan.{kind}.complete"})
            return
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with server.run_in_thread(app, "127.0.0.1") as running:
        answer = get(running.url)
        assert answer.status_code == 204
        assert "date" in answer.headers
    assert seen == ["startup", "shutdown"]


def test_an_application_that_does_not_start_is_reported() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"):
        server.run_in_thread(app)


def test_a_server_that_does_not_stop_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STOP_SECONDS", 0.0)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    running = server.Server("http://localhost:1", argparse.Namespace(should_exit=False), thread)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="did not stop"):
        running.stop()
    done.set()
    thread.join()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com"])
def test_nothing_is_bound_or_served_off_this_machine(host: str) -> None:
    with pytest.raises(ConfigurationError, match="can be reached from other machines"):
        server.bind(host)
    with pytest.raises(ConfigurationError, match="can be reached from other machines"):
        server.run_in_thread(create_app(), host)
    with pytest.raises(ConfigurationError, match="can be reached from other machines"):
        dev_idp.run(arguments("--host", host))


def test_a_port_that_is_taken_is_reported() -> None:
    with server.bind("localhost") as sock:
        port = sock.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"localhost:{port} cannot be used"):
            server.bind("localhost", port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_there_is_not_is_reported(port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{port} is not a port"):
        server.bind("localhost", port)


def test_an_address_of_ipv6_has_brackets_in_its_url() -> None:
    class Sock:
        def getsockname(self) -> tuple[str, int]:
            return ("::1", 9000)

    assert server.url_of("::1", Sock()) == "http://[::1]:9000"  # type: ignore[arg-type]


def test_ipv6_loopback_can_be_bound_where_there_is_one() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        sock = server.bind("::1")
    except ConfigurationError:
        pytest.skip("no IPv6 loopback here")
    with sock:
        assert sock.family is socket.AF_INET6


def test_without_uvicorn_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for start in (lambda: server.run_in_thread(create_app()), lambda: dev_idp.run(arguments())):
        with pytest.raises(ConfigurationError, match=r"idaware\[demo\]"):
            start()


def test_the_package_is_imported_without_uvicorn_and_httpx2() -> None:
    code = (
        "import sys; import idaware.devidp, idaware.devidp.server, idaware.cli.dev_idp; "
        "print([name for name in ('uvicorn', 'httpx2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the command


def arguments(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    dev_idp.add_parser(parser.add_subparsers(dest="command"))
    return parser.parse_args(["dev-idp", *argv])


def test_the_command_serves_people_from_a_file_and_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.yaml"
    file.write_text("people: [{sub: ada}]", encoding="utf-8")
    served: list[Any] = []
    monkeypatch.setattr(server, "serve", lambda app, sock: served.append((app, sock.close())))
    args = arguments(
        "--port", "0", "--people", str(file), "--client-secret", "s", "--alg", "ES256", "--no-faults"
    )
    assert dev_idp.run(args) == 0
    printed = capsys.readouterr().out
    assert "People: ada" in printed
    assert "IDAWARE_ISSUER=http://localhost:" in printed
    assert "IDAWARE_CLIENT_SECRET=s" in printed
    assert len(served) == 1


def test_the_greeting_is_short_where_clients_are_registered(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text("clients: [{client_id: a}]", encoding="utf-8")
    provider = dev_idp.make_provider(
        arguments("--people", str(file), "--alg", "ES256"), "http://localhost:9000"
    )
    assert "IDAWARE" not in dev_idp.greeting(provider)
    assert provider.people.get("alice") is not None


def test_the_command_needs_no_file(tmp_path: Path) -> None:
    provider = dev_idp.make_provider(arguments("--alg", "ES256"), "http://localhost:9000")
    assert provider.state.clients.secret == "dev-secret"
    assert provider.state.faults_open


@pytest.mark.parametrize("name", ["missing.yaml", "latin1.yaml"])
def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path, name: str) -> None:
    (tmp_path / "latin1.yaml").write_bytes(b"people: [{sub: \xe9}]")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        dev_idp.make_provider(arguments("--people", str(tmp_path / name)), "http://localhost:9000")


def test_serving_in_the_foreground_ends_when_uvicorn_does(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    ran: list[bool] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: ran.append(self.config.date_header))
    sock = server.bind()
    server.serve(create_app(), sock)
    assert ran == [False]
    assert sock.fileno() == -1


@pytest.mark.anyio
async def test_other_protocols_are_not_spoken() -> None:
    with pytest.raises(RuntimeError, match="websocket"):
        await create_app()({"type": "websocket", "headers": [], "path": "/"}, None, None)  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_create_app_leaves_its_provider_on_the_application() -> None:
    app = create_app(issuer="http://localhost:9001")
    assert isinstance(app.state.provider, DevProvider)
    assert app.state.provider.minter.issuer == "http://localhost:9001"

"""Both kinds of HTTP port: bounded in time and size, strict, and telling whose fault it was."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest

from idaware.effects import FetchJson, JsonAnswer, PostForm, ReadBody
from idaware.errors import ProviderError, ProviderMisbehaved, ProviderUnavailable
from idaware.io.answers import MAX_ANSWER_BYTES
from idaware.io.async_ import AsyncHttp, AsyncPorts
from idaware.io.blocking import BlockingHttp, BlockingPorts

URL = "https://login.example/keys?secret=value"
JSON = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"a": 1}'


class Ask(Protocol):
    def __call__(self, effect: FetchJson | PostForm | ReadBody, **options: Any) -> Any: ...


def ask_blocking(effect: FetchJson | PostForm | ReadBody, **options: Any) -> Any:
    ports = BlockingPorts(BlockingHttp(**options), lambda limit_bytes: b"x" * limit_bytes)
    if isinstance(effect, FetchJson):
        return ports.fetch_json(effect)
    return ports.post_form(effect) if isinstance(effect, PostForm) else ports.read_body(effect)


def ask_async(effect: FetchJson | PostForm | ReadBody, **options: Any) -> Any:
    async def read_body(limit_bytes: int) -> bytes:
        return b"x" * limit_bytes

    async def exchange() -> Any:
        ports = AsyncPorts(AsyncHttp(**options), read_body)
        if isinstance(effect, FetchJson):
            return await ports.fetch_json(effect)
        return await (ports.post_form(effect) if isinstance(effect, PostForm) else ports.read_body(effect))

    return asyncio.run(exchange())


@pytest.fixture(params=[ask_blocking, ask_async], ids=["blocking", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Each claim holds for both kinds."""
    asker: Ask = request.param
    return asker


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Provider:
    """A mock provider that keeps what it was sent."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.transport = httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


# -- what is asked --------------------


def test_a_document_is_fetched_and_read(ask: Ask) -> None:
    provider = Provider(httpx2.Response(200, json={"keys": []}, headers={"cache-control": "max-age=60"}))
    answer = ask(FetchJson(URL), transport=provider.transport)
    assert answer == JsonAnswer(200, {"keys": []}, max_age_seconds=60, content_type="application/json")
    (request,) = provider.requests
    assert (request.method, str(request.url)) == ("GET", URL)
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"] == "idaware"
    assert "authorization" not in request.headers


def test_a_bearer_goes_into_the_header_and_nowhere_else(ask: Ask) -> None:
    provider = Provider(httpx2.Response(200, json={}))
    ask(FetchJson("https://login.example/userinfo", bearer="t0ken"), transport=provider.transport)
    (request,) = provider.requests
    assert request.headers["authorization"] == "Bearer t0ken"
    assert "t0ken" not in str(request.url)


@pytest.mark.parametrize(
    "token", ["a b", "a\r\nX: y", "é", ""], ids=["space", "line break", "not ASCII", "empty"]
)
def test_a_token_that_no_header_can_carry_is_refused_and_not_named(ask: Ask, token: str) -> None:
    provider = Provider()
    with pytest.raises(ProviderMisbehaved, match="characters that no token has") as caught:
        ask(FetchJson(URL, bearer=token), transport=provider.transport)
    assert token == "" or token not in str(caught.value)
    assert provider.requests == []


def test_a_form_is_posted_with_its_headers(ask: Ask) -> None:
    provider = Provider(httpx2.Response(400, json={"error": "invalid_grant"}))
    effect = PostForm(
        "https://login.example/token", "code=é", {"Authorization": "Basic x", "Accept": "text/plain"}
    )
    answer = ask(effect, transport=provider.transport)
    assert (answer.status, answer.body) == (400, {"error": "invalid_grant"})
    (request,) = provider.requests
    assert (request.method, request.content) == ("POST", "code=é".encode())
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] == "Basic x"
    assert request.headers.get_list("accept") == ["text/plain"]


def test_no_cookie_of_one_exchange_reaches_the_next() -> None:
    provider = Provider(
        httpx2.Response(200, json={}, headers={"set-cookie": "sid=1"}), httpx2.Response(200, json={})
    )
    http = BlockingHttp(transport=provider.transport)
    http.post_form(PostForm(URL, ""))
    http.post_form(PostForm(URL, ""))
    assert "cookie" not in provider.requests[1].headers


def test_a_body_is_the_adapters_to_read(ask: Ask) -> None:
    assert ask(ReadBody(7)) == b"x" * 7


# -- what is refused --------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(ask: Ask, status: int) -> None:
    answers = [httpx2.Response(status, headers={"location": URL}), httpx2.Response(200, json={})]
    provider = Provider(*answers)
    with pytest.raises(ProviderMisbehaved, match="redirects are not followed"):
        ask(FetchJson(URL), transport=provider.transport)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_post_is_never_tried_twice(ask: Ask, status: int) -> None:
    provider = Provider(httpx2.Response(status), httpx2.Response(200, json={}))
    with pytest.raises(ProviderUnavailable):
        ask(PostForm(URL, "code=once"), transport=provider.transport)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("extra", [0, 1], ids=["as large as permitted", "a byte more"])
def test_an_answer_has_a_mebibyte_at_most(ask: Ask, extra: int) -> None:
    body = b'"' + b"x" * (MAX_ANSWER_BYTES - 2 + extra) + b'"'
    provider = Provider(httpx2.Response(200, content=body))
    if extra:
        with pytest.raises(ProviderMisbehaved, match="more than 1048576 bytes"):
            ask(FetchJson(URL), transport=provider.transport)
    else:
        assert len(ask(FetchJson(URL), transport=provider.transport).body) == MAX_ANSWER_BYTES - 2


def test_a_redirect_of_a_real_server_is_never_followed(ask: Ask, provide: Any) -> None:
    """Beside the above: the client that a mock is handed is not the one that goes out."""
    target = provide(JSON).encode("ascii")
    away = provide(b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(ProviderMisbehaved, match="redirects are not followed"):
        ask(FetchJson(away))


class Endless(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that never ends; notes how much of it was read."""

    def __init__(self, portion: bytes) -> None:
        self.portion = portion
        self.portions_read = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.portions_read += 1
            yield self.portion

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.portions_read += 1
            yield self.portion


def test_a_body_without_an_end_is_read_no_further_than_the_limit(ask: Ask) -> None:
    body = Endless(b"x" * 65_536)
    provider = Provider(httpx2.Response(200, stream=body))
    with pytest.raises(ProviderMisbehaved, match="more than"):
        ask(FetchJson(URL), transport=provider.transport)
    assert body.portions_read == MAX_ANSWER_BYTES // 65_536 + 1


def test_a_small_body_that_decompresses_into_a_large_one_is_refused(ask: Ask) -> None:
    bomb = gzip.compress(b"x" * 20_000_000)
    body = Endless(bomb)
    provider = Provider(httpx2.Response(200, stream=body, headers={"content-encoding": "gzip"}))
    with pytest.raises(ProviderMisbehaved, match="more than"):
        ask(FetchJson(URL), transport=provider.transport)
    assert body.portions_read == 1


def test_a_body_that_cannot_be_decompressed_is_misbehaviour(ask: Ask) -> None:
    stream = Endless(b"not gzip")
    provider = Provider(httpx2.Response(200, stream=stream, headers={"content-encoding": "gzip"}))
    with pytest.raises(ProviderMisbehaved, match="cannot be decompressed"):
        ask(FetchJson(URL), transport=provider.transport)


def test_json_that_can_be_read_in_two_ways_is_refused(ask: Ask) -> None:
    provider = Provider(httpx2.Response(200, content=b'{"issuer": 1, "issuer": 2}'))
    with pytest.raises(ProviderMisbehaved, match="a name occurs twice"):
        ask(FetchJson(URL), transport=provider.transport)


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        (httpx2.ConnectTimeout("x"), ProviderUnavailable, "login.example did not answer in time"),
        (httpx2.ReadTimeout("x"), ProviderUnavailable, "login.example did not answer in time"),
        (httpx2.ConnectError("[Errno 9] no"), ProviderUnavailable, "login.example cannot be reached: no"),
        (httpx2.ReadError(""), ProviderUnavailable, "login.example cannot be reached: ReadError"),
        (httpx2.ProxyError("407 Nope"), ProviderUnavailable, "login.example cannot be reached: 407 Nope"),
        (httpx2.RemoteProtocolError("x"), ProviderUnavailable, "ended the connection early"),
        (httpx2.LocalProtocolError("Bearer t0ken"), ProviderMisbehaved, "login.example cannot be asked"),
        (httpx2.UnsupportedProtocol("x"), ProviderMisbehaved, "login.example cannot be asked"),
        (httpx2.InvalidURL("?secret=value"), ProviderMisbehaved, "login.example cannot be asked"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_failure_names_the_host_and_no_secret(
    ask: Ask, failure: Exception, error: type[ProviderError], message: str
) -> None:
    provider = Provider(failure)
    with pytest.raises(error, match=message) as caught:
        ask(FetchJson(URL, bearer="t0ken"), transport=provider.transport)
    assert "t0ken" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is failure


@pytest.mark.parametrize(
    "url", ["ftp://login.example/", "http://[::1", "/relative", f"http://{'a' * 64}.example/"]
)
def test_an_address_that_cannot_be_asked_is_the_providers_fault(ask: Ask, url: str) -> None:
    with pytest.raises((ProviderMisbehaved, ProviderUnavailable), match=r"cannot be (asked|reached)"):
        ask(FetchJson(url))


# -- over a real socket --------------------


def test_a_document_comes_over_http(ask: Ask, provide: Any) -> None:
    assert ask(FetchJson(provide(JSON))).body == {"a": 1}


def test_a_port_that_nobody_listens_on_is_called_by_its_name(ask: Ask) -> None:
    with pytest.raises(ProviderUnavailable, match=r"^127\.0\.0\.1:9 cannot be reached: Connection refused$"):
        ask(FetchJson("http://127.0.0.1:9/"))


def test_a_connection_that_ends_early_is_unavailable(ask: Ask, provide: Any) -> None:
    with pytest.raises(ProviderUnavailable, match="ended the connection early"):
        ask(FetchJson(provide(JSON[:-3])))


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 800\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\n\r\n{", b" "),
    ],
    ids=["silent", "headers drip", "body drips", "body without a length drips"],
)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_an_answer_that_drips_ends_with_the_time_of_the_exchange(
    ask: Ask, provide: Any, certificates: Any, first: bytes, drop: bytes, tls: bool
) -> None:
    url = provide(first, then=drop, context=certificates.server() if tls else None)
    began = time.monotonic()
    with pytest.raises(ProviderUnavailable, match=r"no complete answer within 0\.4 s|did not answer in time"):
        ask(FetchJson(url), timeout_seconds=0.4, ca_file=certificates.ca_file)
    assert time.monotonic() - began < 3.0


def test_tls_with_an_authority_of_our_own(ask: Ask, provide: Any, certificates: Any) -> None:
    url = provide(JSON, context=certificates.server())
    assert ask(FetchJson(url), ca_file=certificates.ca_file).body == {"a": 1}


@pytest.mark.parametrize(
    ("server", "trusted", "why"),
    [
        ({"days": -1}, True, "certificate verify failed: certificate has expired"),
        ({"host": "127.0.0.2"}, True, "certificate verify failed: IP address mismatch"),
        ({}, False, "certificate verify failed: .*issuer certificate"),
    ],
    ids=["expired", "another host", "unknown authority"],
)
def test_a_certificate_that_does_not_verify_is_unavailable_and_says_why(
    ask: Ask, provide: Any, certificates: Any, server: dict[str, Any], trusted: bool, why: str
) -> None:
    url = provide(JSON, context=certificates.server(**server))
    with pytest.raises(ProviderUnavailable, match=rf"^127\.0\.0\.1:\d+ cannot be reached: {why}"):
        ask(FetchJson(url), ca_file=certificates.ca_file if trusted else None)


def test_a_server_that_speaks_no_tls_is_unavailable(ask: Ask, provide: Any) -> None:
    url = provide(b"hello").replace("http:", "https:")
    with pytest.raises(ProviderUnavailable, match="cannot be reached"):
        ask(FetchJson(url))


@pytest.mark.parametrize("content", [None, b"no certificate"], ids=["missing", "not a certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(ask: Ask, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ProviderUnavailable, match=f"IDAWARE_CA_FILE '{path}' cannot be used"):
        ask(FetchJson(URL), ca_file=str(path))


def test_a_renewed_ca_file_is_picked_up(provide: Any, certificates: Any) -> None:
    url = provide(JSON, context=certificates.server())
    authority = Path(certificates.ca_file).read_bytes()
    os.remove(certificates.ca_file)
    http = BlockingHttp(ca_file=certificates.ca_file)
    with pytest.raises(ProviderUnavailable, match="IDAWARE_CA_FILE"):
        http.fetch_json(FetchJson(url))
    Path(certificates.ca_file).write_bytes(authority)
    assert http.fetch_json(FetchJson(url)).body == {"a": 1}
    assert http.fetch_json(FetchJson(url)).body == {"a": 1}


def test_a_proxy_of_the_environment_is_used_unless_the_host_is_exempt(
    ask: Ask, provide: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = provide(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").split("/document")[0]
    direct = provide(JSON)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    assert ask(FetchJson(direct)).status == 403
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert ask(FetchJson(direct)).body == {"a": 1}


def test_one_asynchronous_port_serves_one_loop_after_another(provide: Any, certificates: Any) -> None:
    url = provide(JSON, context=certificates.server())
    http = AsyncHttp(ca_file=certificates.ca_file)
    for _ in range(3):
        assert asyncio.run(http.fetch_json(FetchJson(url))).body == {"a": 1}


def test_nothing_that_was_sent_is_in_a_log_at_debug(
    ask: Ask, provide: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = provide(JSON).partition("?")[0]
    ask(FetchJson(url, bearer="s3cret-token"))
    ask(PostForm(url, "code=s3cret-code", {"authorization": "Basic s3cret-client"}))
    assert caplog.records
    assert "s3cret" not in "\n".join(record.getMessage() for record in caplog.records)


def test_httpx2_is_not_imported_before_the_first_fetch() -> None:
    code = (
        "import sys, idaware.io.blocking as b, idaware.io.async_ as a\n"
        "b.BlockingHttp(); a.AsyncHttp(); assert 'httpx2' not in sys.modules"
    )
    _run_python(code)


def test_the_blocking_ports_do_not_bring_asyncio() -> None:
    _run_python("import sys, idaware.io.blocking, idaware.io.drivers; assert 'asyncio' not in sys.modules")


def _run_python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

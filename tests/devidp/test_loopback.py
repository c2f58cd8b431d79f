"""Nothing but this machine: addresses, URLs, Host headers, proxies, peers."""

from __future__ import annotations

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.devidp import Client, DevProvider
from idaware.devidp.loopback import (
    check_bind_address,
    check_issuer,
    is_loopback_host_header,
    is_loopback_name,
    is_loopback_url,
    refusal_of,
)
from idaware.errors import ConfigurationError

LOOPBACK = ["localhost", "LOCALHOST", "tool.localhost", "127.0.0.1", "127.8.9.10", "::1"]
FOREIGN = [
    "",
    "0.0.0.0",
    "::",
    "192.168.1.2",
    "10.0.0.1",
    "example.com",
    "localhost.example.com",
    "notlocalhost",
    "localhost.",
    ".localhost",
    "127.0.0.1.nip.io",
    "127.1",
    "2130706433",
    "0x7f000001",
    "::ffff:127.0.0.1",
    "fe80::1",
]


@pytest.mark.parametrize("name", LOOPBACK)
def test_loopback_names_are_loopback(name: str) -> None:
    assert is_loopback_name(name)
    check_bind_address(name)


@pytest.mark.parametrize("name", FOREIGN)
def test_other_names_are_not_loopback_and_cannot_be_bound(name: str) -> None:
    assert not is_loopback_name(name)
    with pytest.raises(ConfigurationError, match="can be reached from other machines"):
        check_bind_address(name)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:9000",
        "https://localhost/",
        "http://127.0.0.1:8000/callback?x=1",
        "http://[::1]:8000/cb",
        "http://tool.localhost:8000/cb",
    ],
)
def test_urls_on_this_machine_are_loopback(url: str) -> None:
    assert is_loopback_url(url)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://example.com/", id="another host"),
        pytest.param("//localhost/", id="no scheme"),
        pytest.param("javascript://localhost/%0aalert(1)", id="another scheme"),
        pytest.param("http://evil.example\\@localhost/", id="backslash before the host"),
        pytest.param("http://evil.example\\.localhost/", id="backslash inside the host"),
        pytest.param("http://localhost@evil.example/", id="loopback as user information"),
        pytest.param("http://evil.example@localhost/", id="user information"),
        pytest.param("http://localhost/#x", id="fragment"),
        pytest.param("http://localhost:0/", id="port zero"),
        pytest.param("http://localhost:99999/", id="port too large"),
        pytest.param("http://localhost:x/", id="port no number"),
        pytest.param("http://[::1/", id="bracket not closed"),
        pytest.param("http://local\thost/", id="tab that parsers drop"),
        pytest.param("http://löcalhost/", id="not ASCII"),
        pytest.param("http:///path", id="no host"),
        pytest.param("", id="nothing"),
    ],
)
def test_urls_that_are_not_on_this_machine_are_not_loopback(url: str) -> None:
    assert not is_loopback_url(url)


@given(st.text(max_size=40))
def test_any_text_as_url_ends_in_an_answer(text: str) -> None:
    assert is_loopback_url(text) in (True, False)
    assert is_loopback_host_header(text) in (True, False)


@given(
    st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){1,3}", fullmatch=True).filter(
        lambda n: not n.endswith(".localhost")
    )
)
def test_no_dotted_name_is_loopback(name: str) -> None:
    assert not is_loopback_url(f"http://{name}/")
    assert not is_loopback_host_header(name)


@pytest.mark.parametrize(
    "issuer", ["https://login.corp.example", "http://0.0.0.0:9000", "http://localhost?x", "x"]
)
def test_an_issuer_off_this_machine_is_refused_at_construction(issuer: str) -> None:
    with pytest.raises(ConfigurationError, match="not an issuer for the development provider"):
        check_issuer(issuer)
    with pytest.raises(ConfigurationError):
        DevProvider(issuer=issuer)


@pytest.mark.parametrize(
    "urls",
    [
        {"redirect_uris": ("https://tool.corp.example/cb",)},
        {"post_logout_redirect_uris": ["https://tool.corp.example/"]},
        {"backchannel_logout_uri": "https://tool.corp.example/bcl"},
    ],
    ids=["redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri"],
)
def test_a_client_with_an_address_off_this_machine_is_refused(urls: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="is not a URL on this machine"):
        Client(client_id="tool", **urls)  # type: ignore[arg-type]


HOST = (b"host", b"localhost:9000")


@pytest.mark.parametrize(
    ("headers", "peer", "why"),
    [
        pytest.param([], None, "Host header", id="no Host"),
        pytest.param([HOST, HOST], None, "Host header", id="two Hosts"),
        pytest.param([(b"Host", b"evil.example")], None, "Host header", id="DNS rebinding"),
        pytest.param([(b"host", b"localhost/@evil")], None, "Host header", id="Host with a path"),
        pytest.param([(b"host", b"localhost?x")], None, "Host header", id="Host with a query"),
        pytest.param([HOST, (b"X-Forwarded-For", b"127.0.0.1")], None, "proxy", id="X-Forwarded-For"),
        pytest.param([HOST, (b"forwarded", b"for=127.0.0.1")], None, "proxy", id="Forwarded"),
        pytest.param([HOST], "192.168.1.5", "another machine", id="peer elsewhere"),
    ],
)
def test_requests_from_elsewhere_are_refused(
    headers: list[tuple[bytes, bytes]], peer: str | None, why: str
) -> None:
    assert why in (refusal_of(headers, peer) or "")


@pytest.mark.parametrize("peer", [None, "127.0.0.1", "::1", "testclient"])
def test_requests_from_here_are_let_in(peer: str | None) -> None:
    assert refusal_of([HOST], peer) is None


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/", "/authorize", "/token", "/jwks", "/faults"])
async def test_every_path_refuses_a_foreign_host_header(path: str) -> None:
    app = DevProvider(issuer="http://localhost:9000", signing_alg="ES256").app
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://rebound.example"
    ) as client:
        answer = await client.get(path)
    assert answer.status_code == 403
    assert "this machine only" in answer.text

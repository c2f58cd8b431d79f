"""The provider's certificate has expired, or nobody here knows who signed it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from bad_days.certificates import Authority
from bad_days.people import Person, TlsServer, Tool
from bad_days.ports import free_port
from idaware.devidp import DevProvider
from idaware.oidc.remembered import RETRY_SECONDS

Start = Callable[..., Tool]
Check = Callable[[Tool], list[str]]
Log = Callable[[], list[str]]
Quoted = Callable[[str], None]


def test_an_expired_certificate_is_named_and_a_renewed_one_is_enough(
    tool_at: Start,
    newcomer: Callable[..., Person],
    closing: ExitStack,
    tmp_path: Path,
    log: Log,
    check: Check,
    quoted: Quoted,
) -> None:
    authority, port = Authority(tmp_path), free_port()
    provider = DevProvider(issuer=f"https://localhost:{port}", signing_alg="ES256")
    provider.auto_sign_in("alice")
    with TlsServer(provider.app, *authority.certify("old", ends=timedelta(days=-1)), port):
        tool = tool_at(provider.issuer, ca_file=str(authority.path))
        alice = newcomer(verify=ssl.create_default_context(cafile=str(authority.path)))
        page = alice.visit(tool.url + "/x")
        assert (page.status, tool.last()["reason"]) == (503, "provider_unavailable")
        assert "certificate has expired" in log()[-1]
        quoted(log()[-1])
        (found,) = check(tool)
        quoted(found)
    with TlsServer(provider.app, *authority.certify("new", ends=timedelta(days=30)), port):
        tool.clock.ahead_seconds += RETRY_SECONDS
        assert alice.visit(tool.url + "/x").text == "hello"
        alice.http.close()  # first: a TLS server that ends waits for the other side's goodbye


def test_a_certificate_of_an_unknown_authority_is_named(
    tool_at: Start, alice: Person, tmp_path: Path, log: Log, quoted: Quoted
) -> None:
    authority, port = Authority(tmp_path), free_port()
    provider = DevProvider(issuer=f"https://localhost:{port}", signing_alg="ES256")
    with TlsServer(provider.app, *authority.certify("good", ends=timedelta(days=30)), port):
        tool = tool_at(provider.issuer)
        assert alice.visit(tool.url + "/x").status == 503
    quoted(log()[-1])
    assert "unable to get local issuer certificate" in log()[-1]


def test_an_authority_file_that_cannot_be_read_is_named(
    tool_at: Start, alice: Person, tmp_path: Path, log: Log
) -> None:
    tool = tool_at("https://localhost:9", ca_file=str(tmp_path / "missing.pem"))
    assert alice.visit(tool.url + "/x").status == 503
    assert "IDAWARE_CA_FILE" in log()[-1]

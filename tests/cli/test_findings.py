"""What ``idaware check`` sees, and what it tells an operator to do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from idaware.cli.findings import MIN_FREE_BYTES, Finding, all_findings, room_finding
from idaware.devidp import DevProvider


def check(environ: dict[str, str], *, offline: bool = True, app: str | None = None) -> list[Finding]:
    return list(all_findings(environ, now=time.time(), offline=offline, app=app))


def of(found: list[Finding], area: str) -> list[tuple[str, str]]:
    return [(f.level, f.message) for f in found if f.area == area]


def test_a_deployment_that_fits_has_nothing_to_look_at(environ: dict[str, str]) -> None:
    found = check(environ, offline=False)
    assert [f for f in found if f.level in ("warning", "error")] == []
    assert {f.area for f in found} >= {
        "settings",
        "policy",
        "audit",
        "provider",
        "keys",
        "clock",
        "client",
        "redirect URI",
    }


def test_every_wrong_setting_is_a_finding_of_its_own_and_ends_the_check() -> None:
    found = check({"IDAWARE_ISUER": "x", "IDAWARE_SESSION_IDLE": "30"})
    assert len(found) > 4
    assert {f.area for f in found} == {"settings"}
    assert any("did you mean IDAWARE_ISSUER" in f.message for f in found)


def test_the_redirect_uri_to_register_is_told(environ: dict[str, str]) -> None:
    assert any(
        "http://localhost:8000/_idaware/callback" in message for _, message in of(check(environ), "base URL")
    )


def test_cookie_over_https_is_named_with_its_attributes(environ: dict[str, str]) -> None:
    found = check({**environ, "IDAWARE_BASE_URL": "https://tool.corp.example"})
    assert of(found, "cookie")[0][0] == "ok"
    assert "Secure" in of(found, "cookie")[0][1]


def test_mode_off_is_a_warning(environ: dict[str, str]) -> None:
    assert of(check({**environ, "IDAWARE_MODE": "off"}), "mode")[0][0] == "warning"


@pytest.mark.parametrize("proxies", ["0.0.0.0/0", "10.0.0.0/8,::/0"], ids=["ipv4", "ipv6"])
def test_trusting_every_proxy_is_a_warning(environ: dict[str, str], proxies: str) -> None:
    assert of(check({**environ, "IDAWARE_TRUSTED_PROXIES": proxies}), "proxies")[0][0] == "warning"
    assert of(check({**environ, "IDAWARE_TRUSTED_PROXIES": "10.0.0.0/8,unix"}), "proxies") == []


def policy_of(environ: dict[str, str], path: Path, text: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    without = {name: value for name, value in environ.items() if name != "IDAWARE_ALLOW_GROUPS"}
    return {**without, "IDAWARE_POLICY_FILE": str(path)}


def test_a_typing_error_in_the_policy_is_named_with_its_place(
    environ: dict[str, str], tmp_path: Path
) -> None:
    text = "version: 1\nrules:\n  - id: a\n    paths: [/**]\n    allow: {group: [sre]}\n"
    found = check(policy_of(environ, tmp_path / "policy.yaml", text))
    level, message = of(found, "policy")[0]
    assert level == "error"
    assert "policy.yaml:5:" in message
    assert "did you mean 'groups'" in message


def test_a_missing_policy_file_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    environ = policy_of(environ, tmp_path / "policy.yaml", "")
    (tmp_path / "policy.yaml").unlink()
    assert "No such file" in of(check(environ), "policy")[0][1]


def test_a_review_that_is_past_and_an_open_write_are_told(environ: dict[str, str], tmp_path: Path) -> None:
    text = (
        "version: 1\nrules:\n"
        "  - {id: hook, paths: [/hook], methods: [POST], allow: public}\n"
        "  - {id: all, paths: [/**], allow: signed_in, owner: ops@corp.example, review_by: 2020-01-31}\n"
    )
    levels = of(check(policy_of(environ, tmp_path / "policy.yaml", text)), "policy")
    assert [level for level, _ in levels] == ["ok", "warning", "note"]
    assert "hook" in levels[2][1]


def test_a_policy_may_be_a_directory(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nrules:\n  - {id: a, paths: [/a], allow: public}\n")
    (tmp_path / "b.yaml").write_text("version: 1\nrules:\n  - {id: b, paths: [/b], allow: signed_in}\n")
    environ = policy_of(environ, tmp_path / "a.yaml", (tmp_path / "a.yaml").read_text())
    assert "2 rules" in of(check({**environ, "IDAWARE_POLICY_FILE": str(tmp_path)}), "policy")[0][1]


def test_an_audit_file_that_can_be_written_is_fine_and_stays_empty(
    environ: dict[str, str], tmp_path: Path
) -> None:
    found = check({**environ, "IDAWARE_AUDIT": f"stdout,file:{tmp_path}/audit.jsonl"})
    assert [level for level, _ in of(found, "audit")] == ["ok", "ok"]
    assert (tmp_path / "audit.jsonl").read_bytes() == b""


def test_a_disk_that_is_almost_full_is_an_error() -> None:
    assert room_finding("file:/a", MIN_FREE_BYTES).level == "ok"
    short = room_finding("file:/a", MIN_FREE_BYTES - 1)
    assert (short.level, "only 63 MB are free" in short.message) == ("error", True)


def test_replicas_can_compare_their_keys(environ: dict[str, str]) -> None:
    def key_set(**changes: str) -> str:
        [line] = [text for _, text in of(check({**environ, **changes}), "sessions") if "key set" in text]
        return line

    assert key_set() == key_set(IDAWARE_SESSION_IDLE="30m")
    assert key_set() != key_set(IDAWARE_SECRET_KEYS="another-key-of-more-than-forty-characters")
    assert environ["IDAWARE_SECRET_KEYS"] not in key_set()


def test_an_audit_file_that_cannot_be_written_is_an_error(environ: dict[str, str], tmp_path: Path) -> None:
    found = check({**environ, "IDAWARE_AUDIT": f"file:{tmp_path}/missing/audit.jsonl"})
    assert of(found, "audit")[0][0] == "error"


@pytest.mark.parametrize(
    ("name", "level", "says"),
    [
        ("tests_cli_apps:wrapped", "ok", "nothing answers before"),
        ("tests_cli_apps:outer", "warning", "GZipMiddleware answers before the gate"),
        ("tests_cli_apps:plain", "note", "cannot be seen"),
        ("tests_cli_apps:direct", "ok", "nothing answers before"),
        ("tests_cli_apps:absent", "error", "cannot be loaded"),
        ("no_such_module:app", "error", "cannot be loaded"),
        ("nonsense", "error", "expected module:attribute"),
    ],
)
def test_what_answers_before_the_gate_is_named(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str, level: str, says: str
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "apps"))
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    found = of(check(environ, app=name), "application")
    assert (found[0][0], says in found[0][1]) == (level, True), found


# -- the provider on a bad day ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "area", "level", "says"),
    [
        ("down", "provider", "error", "503"),
        ("discovery_other_issuer", "provider", "error", "issuer"),
        ("discovery_redirect", "provider", "error", "redirect"),
        ("down:jwks", "keys", "error", "503"),
        ("down:token", "client", "warning", "503"),
        ("token_500", "client", "warning", "500"),
    ],
)
def test_a_provider_on_a_bad_day_is_described(
    environ: dict[str, str], provider: DevProvider, fault: str, area: str, level: str, says: str
) -> None:
    provider.faults.set(fault)
    found = of(check(environ, offline=False), area)
    assert any(seen == level and says in message.lower() for seen, message in found), found


def test_a_wrong_client_secret_is_found_before_anybody_signs_in(environ: dict[str, str]) -> None:
    found = of(check({**environ, "IDAWARE_CLIENT_SECRET": "not-the-secret"}, offline=False), "client")
    assert found[0][0] == "error"
    assert "client authentication" in found[0][1]


def test_a_redirect_uri_that_is_not_registered_is_found(environ: dict[str, str]) -> None:
    found = check({**environ, "IDAWARE_BASE_URL": "https://tool.corp.example"}, offline=False)
    assert of(found, "redirect URI")[0][0] == "error"


def test_a_provider_that_cannot_be_reached_ends_the_questions(environ: dict[str, str]) -> None:
    found = check({**environ, "IDAWARE_ISSUER": "http://127.0.0.1:9"}, offline=False)
    assert of(found, "provider")[0][0] == "error"
    assert of(found, "keys") == []


def test_what_the_provider_does_not_announce_is_told(environ: dict[str, str]) -> None:
    odd = {
        "IDAWARE_SCOPES": "openid,frobnicate",
        "IDAWARE_ALLOWED_ALGS": "PS512",
        "IDAWARE_GROUPS_CLAIM": "roles.x",
    }
    found = check({**environ, **odd}, offline=False)
    said = " ".join(message for _, message in of(found, "provider"))
    assert "frobnicate is not announced" in said
    assert "IDAWARE_ALLOWED_ALGS has none of these" in said
    assert "claim 'roles.x' is not announced" in said


@pytest.mark.parametrize(
    ("key", "area", "level", "says"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "client", "ok", "http://localhost:8000/_idaware/jwks.json"),
        (ed25519.Ed25519PrivateKey.generate(), "settings", "error", "IDAWARE_CLIENT_KEY"),
    ],
    ids=["usable", "of a kind that providers do not take"],
)
def test_the_key_of_private_key_jwt_is_tried(
    environ: dict[str, str], key: Any, area: str, level: str, says: str
) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    environ = {n: v for n, v in environ.items() if n != "IDAWARE_CLIENT_SECRET"}
    found = of(check({**environ, "IDAWARE_CLIENT_AUTH": "private_key_jwt", "IDAWARE_CLIENT_KEY": pem}), area)
    assert (found[0][0], says in found[0][1]) == (level, True), found


def test_nothing_a_finding_says_holds_a_secret(environ: dict[str, str], provider: DevProvider) -> None:
    for fault in ("down", "token_500", "down:jwks"):
        provider.faults.clear()
        provider.faults.set(fault)
        text = str(check(environ, offline=False))
        assert environ["IDAWARE_CLIENT_SECRET"] not in text
        assert environ["IDAWARE_SECRET_KEYS"] not in text

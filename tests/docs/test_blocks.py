"""Every code block of the documentation is run, or at least read by what would read it."""

from __future__ import annotations

import ast
import configparser
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ruamel.yaml import YAML

from docs.blocks import BLOCKS, PAGES, ROOT, Block, Command, commands_of, of
from idaware.cli import parse
from idaware.devidp import clients, people
from idaware.policy.load import load_policy
from idaware.policy.model import PolicyContext
from idaware.settings import Settings
from idaware.settings.table import PREFIX_OF_NAMES

LANGUAGES = {"python", "yaml", "sh", "json", "text", "nginx", "ini", "js", "html"}
THE_READERS = {"billing", "app", "tool", "guarded", "shop", "conftest"}
"""Modules that a page has its reader write."""
RUN_ELSEWHERE = {"README.md", *(f"docs/how-to/{name}.md" for name in (
    "fastapi", "flask", "django", "starlette", "test-your-application", "development-provider"))}  # fmt: skip
"""Their blocks are files of one application, which ``tests/frameworks`` and ``tests/devidp`` write and run."""
PROGRAMS = {
    ".", ".ci/run", "cd", "curl", "granian", "grep", "gunicorn", "hypercorn", "jq",
    "mkdir", "openssl", "pip", "python", "sort", "uniq", "uvicorn", "zensical",
}  # fmt: skip


def test_there_is_no_block_that_nobody_reads() -> None:
    assert [str(block) for block in BLOCKS if block.language not in LANGUAGES] == []
    assert len(BLOCKS) > 100


# -- Python ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_compiles_and_what_it_imports_is_there(block: Block) -> None:
    tree = ast.parse(block.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                assert _resolves(alias.name, None), alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                assert _resolves(node.module, alias.name), f"{node.module}.{alias.name}"


def _resolves(module: str, name: str | None) -> bool:
    if module.partition(".")[0] in THE_READERS:
        return True
    found = importlib.import_module(module)
    return name is None or hasattr(found, name) or bool(importlib.import_module(f"{module}.{name}"))


RUNNER = """
import json, sys, types

async def app(scope, receive, send): ...

web = types.ModuleType("billing.web")
web.app = app
sys.modules.update({"billing": types.ModuleType("billing"), "billing.web": web})
namespace = {"app": app, "__name__": "page"}
for place, text in json.load(sys.stdin):
    exec(compile(text, place, "exec"), namespace)
"""
ENVIRON = {
    "IDAWARE_ISSUER": "https://login.corp.example",
    "IDAWARE_CLIENT_ID": "billing-admin",
    "IDAWARE_CLIENT_SECRET": "a-secret-that-is-only-for-the-documentation",
    "IDAWARE_SECRET_KEYS": "w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa",
    "IDAWARE_BASE_URL": "https://billing.corp.example",
    "IDAWARE_ALLOW_GROUPS": "sre",
}
RUN_HERE = sorted({block.page for block in of("python")} - RUN_ELSEWHERE)


@pytest.mark.parametrize("page", RUN_HERE)
def test_python_runs(page: str, tmp_path: Path) -> None:
    """The blocks of a page, one after the other, as one module."""
    given = json.dumps([(str(block), block.text) for block in of("python") if block.page == page])
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUNNER],
        input=given,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **ENVIRON},
        check=False,
    )
    assert done.returncode == 0, done.stderr


# -- YAML ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_yaml_is_a_policy_a_list_of_people_or_what_kubernetes_reads(block: Block) -> None:
    text = textwrap.dedent(block.text)
    if text.lstrip().startswith("- "):
        text = "version: 1\nrules:\n" + textwrap.indent(text, "  ")
    document = YAML(typ="safe", pure=True).load(text)
    if "version" in document:
        assert _policy(text)
    elif "people" in document:
        assert people.load(text)
        assert clients.load(text, secret="-")
    else:
        assert document.keys() & {"apiVersion", "livenessProbe", "readinessProbe"}, block


def _policy(text: str) -> Any:
    context = PolicyContext(now=1_800_000_000.0, prefix="/_idaware")
    return load_policy(text.encode(), source="policy.yaml", context=context).rules


# -- shell -----------------------------------------------------------------------------------------------------

COMMANDS = [command for block in of("sh") for command in commands_of(block)]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.words], ids=str)
def test_a_command_is_one(command: Command) -> None:
    program, *arguments = command.words
    if program == "idaware":
        if ">" in arguments:
            arguments = arguments[: arguments.index(">")]
        parse(arguments)
    else:
        assert program in PROGRAMS, program
    for name, _ in command.variables:
        assert name in KNOWN or not name.startswith(PREFIX_OF_NAMES), name


def _known() -> set[str]:
    from idaware.settings.rows import SETTINGS

    return {variable for setting in SETTINGS for variable in setting.variables}


KNOWN = _known()
KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


def read_secret(path: str) -> str:
    """A file of the reader's."""
    if path.endswith(".pem"):
        return KEY
    digest = sha256(path.encode()).digest()  # each file has a content of its own
    return urlsafe_b64encode(digest).decode()


def settings_of(variables: dict[str, str]) -> Settings:
    """What a page sets, with the rest of a whole deployment round it."""
    environ = dict(ENVIRON)
    if any(name.startswith(("IDAWARE_ALLOW_", "IDAWARE_POLICY_")) for name in variables):
        del environ["IDAWARE_ALLOW_GROUPS"]
    for name in [*variables, "IDAWARE_CLIENT_SECRET" if "IDAWARE_CLIENT_AUTH" in variables else ""]:
        environ.pop(name.removesuffix("_FILE"), None)
    if variables.get("IDAWARE_ISSUER", "").startswith("https://accounts.google.com"):
        environ["IDAWARE_CLIENT_ID"] = "google"
    return Settings.from_env(environ | variables, read_text=read_secret)


ASSIGNMENTS = [
    block
    for block in of("sh")
    if all(not command.words for command in commands_of(block)) and block.text.strip()
]


@pytest.mark.parametrize("block", ASSIGNMENTS, ids=str)
def test_variables_are_settings_that_start(block: Block) -> None:
    variables = dict(pair for command in commands_of(block) for pair in command.variables)
    assert set(variables) <= KNOWN
    settings = settings_of(variables)
    assert settings.client_id


# -- other languages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", of("ini"), ids=str)
def test_a_unit_of_systemd_has_its_sections(block: Block) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read_string(block.text)
    assert unit.sections() == ["Unit", "Service", "Install"]
    program, *arguments = unit["Service"]["ExecStart"].split()
    assert program.endswith("/idaware")
    assert parse(arguments)


@pytest.mark.parametrize("block", of("js"), ids=str)
def test_javascript_parses(block: Block, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("Node is not installed (Debian: apt install nodejs)")
    script = tmp_path / "page.js"
    script.write_text(block.text, encoding="utf-8")
    done = subprocess.run(["node", "--check", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def nginx() -> str:
    found = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip("nginx is not installed (Debian: apt install nginx)")
    return found


@pytest.mark.parametrize("block", of("nginx"), ids=str)
def test_nginx_accepts_its_configuration(block: Block, nginx: str, tmp_path: Path) -> None:
    inside = block.text if "server {" in block.text else f"server {{ listen 8443; {block.text} }}"
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {inside} }}", "utf-8"
    )
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(configuration)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# -- every option is named somewhere it is explained -----------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_no_variable_that_does_not_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\bIDAWARE_[A-Z_]+[A-Z]\b", text))
    ours = {name for name in named if not name.startswith(("IDAWARE_TEST_", "IDAWARE_SERVICE_"))}
    assert ours <= KNOWN, sorted(ours - KNOWN)


def test_checks_find_what_is_wrong() -> None:
    """The checks above are no formality."""
    bad: list[tuple[Callable[[Block], None], str, str]] = [
        (
            test_yaml_is_a_policy_a_list_of_people_or_what_kubernetes_reads,
            "yaml",
            "- {id: x, path: [/]}",
        ),
        (test_variables_are_settings_that_start, "sh", "IDAWARE_SESSION_IDLE=30"),
        (test_json_is_json, "json", "{,}"),
        (test_python_compiles_and_what_it_imports_is_there, "python", "from idaware import nothing_such"),
    ]
    for check, language, text in bad:
        with pytest.raises(Exception, match=r"."):
            check(Block("x.md", 1, language, text))
    with pytest.raises(SystemExit):
        test_a_command_is_one(next(commands_of(Block("x.md", 1, "sh", "idaware chek"))))

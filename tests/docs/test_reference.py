"""Reference pages say what is there: no more, no less."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

import idaware
from idaware import errors
from idaware.cli import COMMANDS
from idaware.endpoints import Endpoints

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PUBLIC = ("idaware", "idaware.asgi", "idaware.wsgi", "idaware.fastapi", "idaware.flask", "idaware.starlette",
          "idaware.django", "idaware.testing")  # fmt: skip


def text_of(page: str) -> str:
    return (REFERENCE / page).read_text(encoding="utf-8")


ALL = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").rglob("*.md")))


# -- commands --------------------------------------------------------------------------------------------------


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("commands", ROOT / ".ci" / "commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_commands_is_current() -> None:
    wanted = _generator().markdown()
    assert text_of("commands.md") == wanted, "run: python .ci/commands.py > docs/reference/commands.md"


def test_every_command_is_on_its_page() -> None:
    assert re.findall(r"^## idaware (.*)$", text_of("commands.md"), re.MULTILINE) == [
        name.replace("_", "-") for name in COMMANDS
    ]


# -- endpoints -------------------------------------------------------------------------------------------------


def _endpoints() -> list[str]:
    source = inspect.getsource(Endpoints.__init__)
    return re.findall(r'^            "([a-z.-]+)": \{|_handlers\["([a-z.-]+)"\]', source, re.MULTILINE)


def test_every_endpoint_is_on_its_page_and_no_other() -> None:
    page = text_of("endpoints.md")
    listed = re.findall(r"^\| \[`([^`]+)`\]\(#", page, re.MULTILINE)
    assert listed == [one or other for one, other in _endpoints()]
    assert [name for name in re.findall(r"^## (.*)$", page, re.MULTILINE) if name in listed] == listed


@pytest.mark.parametrize(
    "member", ["groups_left_out", "login_url", "reason", "request_id", "rule", "rule_reason"]
)
def test_every_member_of_problem_details_is_documented(member: str) -> None:
    source = (ROOT / "idaware" / "pages" / "problem.py").read_text(encoding="utf-8")
    assert f'"{member}"' in source
    assert f"| `{member}` |" in text_of("endpoints.md")


def test_no_member_of_problem_details_is_left_out() -> None:
    source = (ROOT / "idaware" / "pages" / "problem.py").read_text(encoding="utf-8")
    page = text_of("endpoints.md")
    for member in re.findall(r'^        "(\w+)":', source, re.MULTILINE):
        assert f"`{member}`" in page, member


@pytest.mark.parametrize("where", ["_identity_json", "me_json", "_session_json", "_reach_json"])
def test_every_member_of_me_is_documented(where: str) -> None:
    from idaware.pages import me

    page = text_of("endpoints.md")
    members = re.findall(r'^        "(\w+)":', inspect.getsource(getattr(me, where)), re.MULTILINE)
    assert members
    for member in members:
        assert f"`{member}`" in page, member


# -- cookies, errors, names ------------------------------------------------------------------------------------


def test_every_cookie_is_on_its_page() -> None:
    written = set()
    for path in (ROOT / "idaware").rglob("*.py"):
        written |= set(re.findall(r'cookie_name\}(-[a-z]+)-?"', path.read_text(encoding="utf-8")))
    documented = set(re.findall(r"^\| `NAME(-[a-z]+)-?`", text_of("cookies.md"), re.MULTILINE))
    assert documented == written


def test_every_error_is_on_its_page() -> None:
    classes = [
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    ]
    assert re.findall(r"^\| `(\w+)` \|", text_of("errors.md"), re.MULTILINE) == classes


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_somewhere_in_the_documentation(module: str) -> None:
    found = importlib.import_module(module)
    names = getattr(found, "__all__", None) or ["IdentityMiddleware"]
    for name in names:
        assert re.search(rf"\b{name}\b", ALL), f"{module}.{name}"


def test_every_attribute_of_an_identity_is_documented() -> None:
    page = text_of("python.md")
    for name in [*(field.name for field in fields(idaware.Identity)), "principal", "is_authenticated"]:
        assert f"`{name}`" in page, name


def test_the_version_is_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {idaware.__version__}" in changelog or "## Unreleased" in changelog


# -- security rules --------------------------------------------------------------------------------------------

ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| (.+?) \|(?: (.+?) \|)?$", text_of("security-rules.md"), re.MULTILINE
)


def test_every_security_rule_has_its_row() -> None:
    assert sorted(int(number) for number, *_ in ROWS) == list(range(1, 34))


@pytest.mark.parametrize(("number", "modules", "test"), [(n, m, t) for n, _, m, t in ROWS if t])
def test_a_security_rule_names_code_and_a_test_that_are_there(number: str, modules: str, test: str) -> None:
    for module in re.findall(r"`([^`]+)`", modules):
        source = (ROOT / module).read_text(encoding="utf-8")
        assert re.search(rf"rules?\s+(?:\d+(?:,| and)\s*)*{number}\b", source.replace("#", " ")), module
    file, _, name = test.strip("`").partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in names, test

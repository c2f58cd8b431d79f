"""Who may import whom: arrows point down only, and what decides touches no world."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "idaware"

VOCABULARY = {
    "request",
    "effects",
    "identity",
    "settings",
    "errors",
    "reasons",
    "provider_facts",
    "strict_json",
}
DECISIONS = {
    "gate",
    "guards",
    "signin",
    "endpoints",
    "answers",
    "visit",
    "oidc",
    "session",
    "policy",
    "http",
    "pages",
    "outermost",
    "audit.record",
    "audit.privacy",
}
WORLD = {"io", "audit.sinks", "audit.trail", "session.stores"}
ADAPTERS = {"asgi", "wsgi"}
ASSEMBLY = {"assembly"}
LEAVES = {"__main__", "cli", "demo", "devidp", "testing", "flask", "django", "fastapi", "starlette"}

FORBIDDEN_IN_DECISIONS = {
    "httpx2", "starlette", "werkzeug", "asyncio", "threading", "socket", "secrets", "random", "logging", "time",
    "subprocess", "sqlite3", "redis",
}  # fmt: skip
FORBIDDEN_CALLS = {"datetime.now", "datetime.utcnow", "os.environ", "os.getenv", "time.time"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] == "audit" and parts[1:] not in ((), ("__init__",)):
        return f"audit.{parts[1]}"
    if parts[0] == "asgi_scope":
        return "asgi"  # the other half of it
    if parts[0] == "session" and len(parts) > 1 and parts[1] == "stores":
        return "session.stores"
    return parts[0]


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every imported module, and whether it is for the type checker alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            typing_only.update(id(child) for body in node.body for child in ast.walk(body))
    found: list[tuple[str, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, id(node) in typing_only))
            if node.module == "idaware":
                found += [(f"idaware.{alias.name}", id(node) in typing_only) for alias in node.names]
    return found


def target_room(module: str) -> str | None:
    if not module.startswith("idaware."):
        return None
    parts = module.split(".")[1:]
    if parts[0] in ("audit", "session") and len(parts) > 1 and f"{parts[0]}.{parts[1]}" in WORLD:
        return f"{parts[0]}.{parts[1]}"
    return parts[0]


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_module_has_its_place(path: Path) -> None:
    """What is in none of these sets would be held to nothing."""
    package = {"__init__", "audit"}  # the lazy names; an empty one
    places = (VOCABULARY, DECISIONS, WORLD, ADAPTERS, ASSEMBLY, LEAVES, package)
    assert sum(room(path) in place for place in places) == 1


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nobody_uses_what_ruff_bans_everywhere(path: Path) -> None:
    """Adapters and leaves may use what ruff's TID251 keeps out of decisions, so these two are held here as well."""
    banned = ("http.cookies", "starlette.middleware.base")
    assert not [module for module, _ in imports(path) if module.startswith(banned)]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_arrows_point_down_only(path: Path) -> None:
    here = room(path)
    for module, typing_only in imports(path):
        there = target_room(module)
        if there is None or there == here:
            continue
        if there in LEAVES:
            assert here in LEAVES, f"{name(path)} imports the leaf {module}"
        if here in VOCABULARY and not typing_only:
            assert there in VOCABULARY, f"vocabulary {name(path)} imports {module}"
        if here in DECISIONS:
            assert there not in ADAPTERS | ASSEMBLY, f"{name(path)} decides and imports {module}"
            assert there not in WORLD or typing_only, f"{name(path)} decides and imports the world: {module}"
        if here in ADAPTERS:
            assert there not in ADAPTERS, f"adapter {name(path)} imports the other one"
        if here == "policy":
            assert there != "oidc", "policy knows nothing of OIDC"
        if here == "oidc":
            assert there != "policy", "oidc knows nothing of policy"


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) in DECISIONS | VOCABULARY], ids=name)
def test_what_decides_touches_no_world(path: Path) -> None:
    for module, typing_only in imports(path):
        top = module.split(".")[0]
        assert typing_only or top not in FORBIDDEN_IN_DECISIONS, f"{name(path)} imports {module}"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in FORBIDDEN_CALLS, (
                f"{name(path)}:{node.lineno} uses {ast.unparse(node)}"
            )


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_exceptions_are_caught_whole_only_at_the_edges(path: Path) -> None:
    if room(path) in ADAPTERS | LEAVES | WORLD | ASSEMBLY:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            caught = None if node.type is None else ast.unparse(node.type)
            assert caught not in (None, "Exception", "BaseException"), f"{name(path)}:{node.lineno}"


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {module.split(".")[0] for module in done.stdout.split()}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import idaware", {"starlette", "werkzeug", "httpx2", "authlib", "jwt", "ruamel"}),
        ("import idaware.wsgi", {"starlette", "httpx2", "requests", "anyio", "asyncio"}),
        ("import idaware.asgi", {"werkzeug", "httpx2", "requests"}),
        ("from idaware import Identity", {"starlette", "werkzeug", "httpx2"}),
    ],
    ids=["package", "wsgi", "asgi", "public name"],
)
def test_importing_one_side_does_not_bring_the_other(statement: str, absent: set[str]) -> None:
    assert not loaded_after(statement) & absent

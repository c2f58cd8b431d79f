"""``lowest.txt`` names the lowest release of everything that ``pyproject.toml`` lets people install beside us."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
FRAMEWORKS = {"django", "fastapi", "flask"}
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9.-]+)(?:\[[a-z]+\])?>=(?P<lowest>[0-9.]+)")


def allowed() -> dict[str, str]:
    """Name to lowest release, of the dependencies and of the frameworks that there are integrations for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [
        _REQUIREMENT.match(line)
        for line in project["dependencies"] + project["optional-dependencies"]["test"]
    ]
    names = {match["name"]: match["lowest"] for match in found if match is not None}
    direct = {_REQUIREMENT.match(line)["name"] for line in project["dependencies"]}  # type: ignore[index]
    return {name: lowest for name, lowest in names.items() if name in direct | FRAMEWORKS}


def test_the_lowest_releases_are_those_that_the_project_allows() -> None:
    lines = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    named = dict(line.split("==") for line in lines if not line.startswith("#"))
    named.pop("httpx")  # for the tests alone
    assert named == allowed()

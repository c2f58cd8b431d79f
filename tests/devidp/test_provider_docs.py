"""The how-to page says what is there, and its blocks run."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from idaware.cli import dev_idp
from idaware.devidp import DEFAULT_PEOPLE, clients, people
from idaware.devidp.faults import ENDPOINTS, FAULTS

PAGE = (Path(__file__).parents[2] / "docs/how-to/development-provider.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands(program: str) -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"{program} ")]


@pytest.mark.parametrize("name", list(FAULTS))
def test_every_fault_is_on_the_page_with_its_sentence(name: str) -> None:
    assert f"| `{name}` | {FAULTS[name].sentence} |" in PAGE


def test_the_page_lists_no_fault_that_is_not_there() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(FAULTS)


def test_the_page_names_every_person_and_every_endpoint() -> None:
    for name in [*(person.sub for person in DEFAULT_PEOPLE), *ENDPOINTS]:
        assert f"`{name}`" in PAGE


def test_the_file_on_the_page_is_read() -> None:
    [text] = blocks("yaml")
    assert [person.sub for person in people.load(text)] == ["1001", "1002"]
    assert clients.load(text).get("billing-admin") is not None


def test_the_command_on_the_page_is_one() -> None:
    parser = argparse.ArgumentParser()
    dev_idp.add_parser(parser.add_subparsers())
    for arguments in commands("idaware"):
        assert parser.parse_args(arguments).port == 9000


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_on_the_page_runs(block: str) -> None:
    exec(compile(block, "development-provider.md", "exec"), {})


@pytest.mark.anyio
async def test_the_requests_on_the_page_are_answered(world: Any) -> None:
    requests = commands("curl")
    assert len(requests) == 5
    for _, method, url, *rest in requests:
        body = json.loads(rest[1]) if rest else None
        answer = await world.http.request(method, url, json=body)
        assert answer.status_code == 200, url


def test_the_settings_on_the_page_are_those_that_the_provider_prints(world: Any) -> None:
    assert set(blocks("sh")[1].splitlines()) <= {
        line.strip() for line in dev_idp.greeting(world.provider).splitlines()
    }

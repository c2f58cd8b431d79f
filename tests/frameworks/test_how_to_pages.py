"""The how-to pages of the frameworks and of testing: every block of code in them is run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["django", "fastapi", "flask", "starlette", "test-your-application"]
BLOCK = re.compile(r"^```(\w+)\n# ([\w .]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (ROOT / "docs/how-to" / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_block_says_which_file_it_is(name: str) -> None:
    blocks = BLOCK.findall(page(name))
    assert len(blocks) == len(re.findall(r"^```\w+$", page(name), re.MULTILINE))
    for language, _, code in blocks:
        if language == "python":
            ast.parse(code)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_works(name: str, tmp_path: Path) -> None:
    for _, file, code in BLOCK.findall(page(name)):
        if not file.startswith("in "):
            (tmp_path / file).write_text(code, encoding="utf-8")
        elif file == "in app.py":
            with (tmp_path / "app.py").open("a", encoding="utf-8") as app:
                app.write(code)
    environ = {known: value for known, value in os.environ.items() if not known.startswith("IDAWARE_")}
    environ |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "DJANGO_SETTINGS_MODULE": "settings"}
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
    ]
    if "idaware_sign_in" in page(name):
        command += ["-p", "no:idaware", "-p", "idaware.testing.plugin"]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout

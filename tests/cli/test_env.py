"""``idaware env`` prints the reference."""

from __future__ import annotations

import argparse
import json

import pytest

from idaware.cli import env
from idaware.settings import SETTINGS, reference


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    env.add_parser(parser.add_subparsers())
    return parser.parse_args(["env", *argv])


def test_env_prints_the_reference_as_markdown(capsys: pytest.CaptureFixture[str]):
    args = parse()
    assert args.run(args) == 0
    assert capsys.readouterr().out == reference.markdown()


def test_env_prints_the_reference_as_json(capsys: pytest.CaptureFixture[str]):
    args = parse("--json")
    assert args.run(args) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["variable"] for entry in entries] == [setting.variable for setting in SETTINGS]

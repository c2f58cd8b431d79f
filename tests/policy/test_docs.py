from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from idaware.http.methods import KNOWN_METHODS
from idaware.http.paths import ALLOWANCES
from idaware.policy import load as load_module
from idaware.policy import read_conditions, read_rules
from idaware.policy.model import Authorization, Preflight, Unauthenticated
from idaware.policy.policy import Policy
from idaware.reasons import Reason

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
POLICY = (REFERENCE / "policy.md").read_text(encoding="utf-8")
REASONS = (REFERENCE / "reasons.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", POLICY, re.DOTALL)


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"example {number}" for number, _ in enumerate(EXAMPLES, 1)]
)
def test_every_example_of_the_reference_loads(load: Callable[..., Policy], example: str) -> None:
    whole = (
        example if example.startswith("version:") else "version: 1\nrules:\n" + textwrap.indent(example, "  ")
    )
    assert load(whole).rules


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 7


def test_the_example_of_an_error_is_what_is_said(refused: Callable[..., list[str]]) -> None:
    rules = "".join(f"  - {{id: r{n}, paths: [/{n}], allow: signed_in}}\n" for n in range(3))
    text = (
        "# a comment\n" * 6
        + "version: 1\nrules:\n"
        + rules
        + "  - id: x\n    paths: [/x]\n    allow: {group: [sre]}\n"
    )
    [message] = re.findall(r"```text\n(.*)\n```", POLICY)
    assert refused(text) == [message]


NAMES = [
    *load_module._KEYS,
    *load_module._LATER,
    *read_rules._KEYS,
    *read_rules._LATER,
    *read_conditions._READERS,
    *ALLOWANCES,
    *KNOWN_METHODS,
    *get_args(Unauthenticated),
    *get_args(Preflight),
    *get_args(Authorization),
    *("acr", "amr", "auth_within", "tz", "days", "from", "to", "public", "signed_in"),
]


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_everything_that_may_be_written_is_in_the_reference(name: str) -> None:
    assert f"`{name}`" in POLICY


@pytest.mark.parametrize("reason", list(Reason), ids=[reason.value for reason in Reason])
def test_every_reason_is_in_the_reference_with_its_sentence(reason: Reason) -> None:
    assert f"| `{reason.value}` | {reason.sentence} |" in REASONS


def test_the_reference_names_no_reason_that_does_not_exist() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", REASONS, re.MULTILINE)
    assert documented == [reason.value for reason in Reason]


def test_every_reason_ends_in_a_full_stop_and_is_one_line() -> None:
    for reason in Reason:
        assert re.fullmatch(r"[A-Z][^\n]*\.", reason.sentence)

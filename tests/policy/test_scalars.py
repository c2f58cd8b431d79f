from __future__ import annotations

import pytest

from idaware.policy.document import Place, Scalar
from idaware.policy.scalars import as_bool, as_int, is_text

NOT_TEXT: list[
    str
] = """yes Yes YES no No NO on On ON off OFF y Y n N true True TRUE false False null Null NULL ~
0 1 -1 +1 007 0o17 0b101 0xFF 1_000 190:20:30 1.5 1. .5 -1.5 1e3 1.5e+3 12e03 1_0.5 190:20:30.15 .inf -.inf .Inf
.nan .NAN 2026-01-31 2026-1-3 2026-01-31T10:00:00Z 2026-01-31t10:00:00.5+01:00 = <<""".split()  # noqa: SIM905 - a table

TEXT = """sre finance team-1 1a a1 yes-men no-contractors nobody offline one v1.5 1.2.3 10.0.0.1 12:ab 2026-01
null-island / /a true-north e3 + - .a 0xZZ 1-2 12345678-1234-1234-1234-123456789012 ''""".split()  # noqa: SIM905 - a table


def plain(text: str) -> Scalar:
    return Scalar(Place("p.yaml", 1, 1), text, plain=True)


@pytest.mark.parametrize("text", [*NOT_TEXT, "", "2026-01-31 10:00:00"])
def test_plain_scalar_that_some_reader_of_yaml_takes_for_something_else_is_no_text(text: str) -> None:
    assert not is_text(plain(text))


@pytest.mark.parametrize("text", NOT_TEXT)
def test_the_same_in_quotes_is_text(text: str) -> None:
    assert is_text(Scalar(Place("p.yaml", 1, 1), text))


@pytest.mark.parametrize("text", TEXT)
def test_everything_else_is_text_without_quotes(text: str) -> None:
    assert is_text(plain(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("True", None), ("yes", None), ("on", None), ("1", None)],
)
def test_only_true_and_false_are_booleans(text: str, value: bool | None) -> None:
    assert as_bool(plain(text)) is value
    assert as_bool(Scalar(Place("p.yaml"), text)) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("42", 42),
        ("-7", -7),
        ("007", None),
        ("0x1", None),
        ("1.0", None),
        ("1_0", None),
        ("+1", None),
    ],
)
def test_only_plain_decimal_numbers_are_numbers(text: str, value: int | None) -> None:
    assert as_int(plain(text)) == value
    assert as_int(Scalar(Place("p.yaml"), text)) is None


def test_number_beyond_64_bits_is_none() -> None:
    assert as_int(plain("9" * 19)) is None

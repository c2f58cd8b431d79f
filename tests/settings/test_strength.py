"""Security rule 23: secrets shorter than 32 bytes and well-known ones are refused at the start."""

from __future__ import annotations

import random
import re
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.settings.strength import weakness

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("make", [secrets.token_urlsafe, secrets.token_hex], ids=["base64url", "hex"])
def test_a_random_key_is_good(make):
    assert weakness(make(48)) is None


def test_32_bytes_are_enough_and_31_are_not(key):
    assert weakness(key[:32]) is None
    assert weakness(key[:31]) == "has 31 bytes, 32 or more are needed"


def test_bytes_count_not_characters():
    assert weakness("äöüßéèêñ" + "çøåæœðþł") is None


def test_a_whole_file_is_no_key(key):
    assert "another file" in str(weakness(key * 100))


def test_seven_different_characters_are_too_few_and_eight_are_not():
    draw = random.Random(1)
    assert weakness("".join(draw.choices("abcdefg", k=64))) is not None
    assert weakness("".join(draw.choices("zbcxefgh", k=64))) is None


def test_4096_bytes_are_not_too_many():
    key = secrets.token_urlsafe(4096)
    assert weakness(key[:4096]) is None
    assert weakness(key[:4097]) is not None


@pytest.mark.parametrize(
    "known",
    [
        "a" * 64,
        "\0" * 32,
        "ab" * 32,
        "0101101001011010110100101101001011",
        "changeme" * 4,
        "changeme" * 5 + "chang",
        "change-me-to-something-very-secret-please",
        "CHANGE_ME-CHANGE_ME-CHANGE_ME-2024-01",
        "please-replace-me-before-production-2024",
        "my-super-secret-key-for-billing-2024-prod",
        "this-is-an-example-key-of-32-bytes-or-more",
        "password-password-correct-horse-battery",
        "0123456789abcdef0123456789abcdef",
        "django-insecure-9f8e7d6c5b4a39281706fedcba",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "192B9BDD22AB9ED4D12E236C78AFCB9A393EC15F71BBF5DC987D54727823BCBF",
    ],
)
def test_a_well_known_key_is_refused(known):
    assert weakness(known) is not None


def test_a_published_key_is_refused_for_being_published():
    published = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"
    assert "documentation" in str(weakness(published))


@given(st.text(min_size=1, max_size=40), st.integers(2, 60))
def test_whatever_repeats_itself_is_refused(unit, times):
    assert weakness(unit * times) is not None


@given(st.text(max_size=200))
def test_the_sentence_never_holds_the_key(key):
    sentence = weakness(key)
    assert sentence is None or len(key) < 16 or key not in sentence


def test_no_key_that_our_documentation_shows_would_be_accepted():
    shown = re.compile(r"IDAWARE_(?:SECRET_KEYS|AUDIT_KEY)=(\S+)")
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    assert [key for key in shown.findall(text) if weakness(key) is None] == []

"""Pages for everybody: structure, names, contrast (WCAG 2.2)."""

from __future__ import annotations

import re

import pytest

from idaware.pages import BASE_CSS
from idaware.pages.style import ICONS, MARK, compact

LIGHT, DARK = 0, 1
PAIRS = [
    ("text", "bg"),
    ("text", "card"),
    ("text", "sunk"),
    ("text", "good-soft"),
    ("text", "warn-soft"),
    ("text", "bad-soft"),
    ("muted", "bg"),
    ("muted", "card"),
    ("muted", "sunk"),
    ("accent", "card"),
    ("accent", "sunk"),
    ("accent", "bg"),
    ("on-accent", "accent"),
    ("accent", "accent-soft"),
    ("good", "good-soft"),
    ("good", "card"),
    ("warn", "warn-soft"),
    ("warn", "card"),
    ("bad", "bad-soft"),
    ("bad", "card"),
]


def palette(scheme: int) -> dict[str, str]:
    blocks = re.findall(r":root\{([^}]*--on-accent[^}]*)\}", BASE_CSS)
    return dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{3,6})(?=[;}]|$)", blocks[scheme]))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("pair", PAIRS, ids=" on ".join)
def test_text_stands_out_from_its_background(scheme: int, pair: tuple[str, str]) -> None:
    colours = palette(scheme)
    assert contrast(colours[pair[0]], colours[pair[1]]) >= 4.5


def test_every_page_has_a_language_one_heading_and_landmarks(every, parse) -> None:
    for name, page in every("x").items():
        parsed = parse(page)
        assert parsed.values("html", "lang") == ["en"], name
        assert [parsed.count(tag) for tag in ("h1", "main", "header", "footer", "title")] == [1] * 5, name


def test_headings_do_not_skip_a_level(every, parse) -> None:
    for name, page in every("x").items():
        opened = [part[1] for part in parse(page).shape if part[0] == "open"]
        headings = [tag for tag in opened if re.fullmatch(r"h[1-6]", tag)]
        assert headings[0] == "h1", name
        assert set(headings[1:]) <= {"h2"}, name


def test_links_and_buttons_have_words(every, parse) -> None:
    for name, page in every("x").items():
        parsed = parse(page)
        assert all(text.strip() for tag in ("a", "button") for text in parsed.data.get(tag, [])), name


def test_ids_are_unique_and_labels_point_at_one(every, parse) -> None:
    for name, page in every("x").items():
        ids = [value for _, its, value in parse(page).attributes if its == "id"]
        assert len(ids) == len(set(ids)), name
        labels = [value for _, its, value in parse(page).attributes if its == "aria-labelledby"]
        assert set(labels) <= set(ids), name


def test_pictograms_are_hidden_from_screen_readers() -> None:
    for icon in [MARK, *ICONS.values()]:
        assert 'aria-hidden="true"' in icon


def test_verdicts_are_words_not_colours(every, parse) -> None:
    words = parse(every("x")["me"]).words
    assert "Yes" in words
    assert "After step-up" in words
    assert "No" in words


def test_a_table_keeps_its_roles_when_its_rows_become_blocks(every, parse) -> None:
    roles = {value for _, its, value in parse(every("x")["me"]).attributes if its == "role"}
    assert roles == {"table", "rowgroup", "row", "columnheader", "cell"}


@pytest.mark.parametrize(
    "rule",
    [
        "prefers-color-scheme:dark",
        "prefers-reduced-motion:reduce",
        "prefers-contrast:more",
        "@media print",
        ":focus-visible",
    ],
)
def test_the_stylesheet_answers_what_people_prefer(rule: str) -> None:
    assert rule in BASE_CSS


def test_the_stylesheet_is_whole() -> None:
    assert BASE_CSS.count("{") == BASE_CSS.count("}")
    assert compact("a{\n  b:c;\n  d:e\n}\n") == "a{b:c;d:e}"


def test_pages_fit_small_windows_and_both_schemes(every, parse) -> None:
    for name, page in every("x").items():
        metas = parse(page).values("meta", "content")
        assert "width=device-width, initial-scale=1" in metas, name
        assert "light dark" in metas, name

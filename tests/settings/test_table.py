"""The table, the dataclass, the keyword arguments and the reference page say the same."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from idaware.settings import SETTINGS, Settings, SettingsOverrides, reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def test_every_name_is_there_once():
    variables = [variable for setting in SETTINGS for variable in setting.variables]
    assert len(set(variables)) == len(variables)
    assert all(setting.name.islower() for setting in SETTINGS)


def test_the_dataclass_has_the_supported_settings_in_the_order_of_the_table():
    fields = [field.name for field in dataclasses.fields(Settings)]
    assert fields == [setting.name for setting in SETTINGS if not setting.later]


def test_the_keyword_arguments_are_complete():
    names = {
        variable.removeprefix("IDAWARE_").lower()
        for setting in SETTINGS
        if setting.keyword
        for variable in setting.variables
    }
    assert set(SettingsOverrides.__annotations__) == names
    assert SettingsOverrides.__total__ is False


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_says_what_it_means_and_its_default_can_be_read(setting):
    assert setting.meaning.endswith(".")
    assert setting.kind.expected
    assert not (setting.required and (setting.default or setting.default_note))
    setting.default_value  # noqa: B018  # reading it is the test


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_in_the_reference(setting):
    assert all(f"`{variable}`" in reference.markdown() for variable in setting.variables)


def test_the_page_in_the_documentation_is_current():
    assert PAGE.read_text(encoding="utf-8") == reference.markdown(), "run `idaware env > " + str(PAGE) + "`"


def test_every_row_of_the_page_has_four_cells():
    rows = [line for line in reference.markdown().splitlines() if line.startswith("| `")]
    assert len(rows) == len(SETTINGS)
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)


def test_the_data_is_json_and_has_every_setting():
    data = json.loads(json.dumps(reference.as_data()))
    assert [entry["variable"] for entry in data] == [setting.variable for setting in SETTINGS]
    by_variable = {entry["variable"]: entry for entry in data}
    assert by_variable["IDAWARE_CLIENT_SECRET"]["file_variable"] == "IDAWARE_CLIENT_SECRET_FILE"
    assert by_variable["IDAWARE_MODE"]["not_supported_yet"] == ["shadow"]
    assert by_variable["IDAWARE_METRICS"]["supported"] is False
    assert by_variable["IDAWARE_APP"]["argument"] is None

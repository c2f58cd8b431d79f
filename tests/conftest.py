"""For the whole run: the log holds no secret; with ``TESTS_STRICT=1`` a test that is skipped has failed."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from support.searched_log import SearchedLog

STRICT = os.environ.get("TESTS_STRICT") == "1"
LOG = SearchedLog()

# No deadline: a busy machine is no counterexample. In CI (nothing skipped) the examples are the same each time;
# the search for new ones is for whoever runs the tests at their desk.
settings.register_profile(
    "idaware", deadline=None, derandomize=STRICT, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("idaware")


def _strict(report: pytest.TestReport | pytest.CollectReport) -> None:
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"skipped, in a run that allows no skips: {why}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _strict(report)
    _tell_secrets(report)
    return report


def pytest_sessionstart() -> None:
    LOG.start()


def _tell_secrets(report: pytest.TestReport) -> None:
    if LOG.found and report.passed:
        report.outcome = "failed"
        report.longrepr = f"security rule 29: {'; '.join(LOG.found)}"
    LOG.found.clear()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _strict(report)
    return report

"""`make test` is never green by skipping: with LAB_NO_SKIPS set, a skip fails."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

Report = pytest.TestReport | pytest.CollectReport


def _failed_if_skipped(report: Report) -> None:
    expected_failure = hasattr(report, "wasxfail")
    if report.skipped and not expected_failure and "LAB_NO_SKIPS" in os.environ:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        report.outcome = "failed"
        report.longrepr = (
            f"{report.nodeid} was skipped, which counts as failed: {reason}"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    report = yield
    _failed_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[
    None, pytest.CollectReport, pytest.CollectReport
]:
    report = yield
    _failed_if_skipped(report)
    return report

"""Tests that share a lab run in one process."""

from __future__ import annotations

import pytest

from tests.sharing import shared_by


@pytest.mark.parametrize(
    ("test", "shared"),
    [
        ("scenarios/ecs.py::ecs", "steering"),
        ("scenarios/rotation.py::rotation", "steering"),
        ("scenarios/region_kill.py::region-kill[fault=crash]", "two-region"),
        ("tests/live/test_run.py::test_a[b]", "tests/live/test_run.py"),
        ("tests/unit/test_store.py::test_a", "tests/unit/test_store.py::test_a"),
    ],
)
def test_what_shares_a_lab_is_told_by_where_a_test_is(test: str, shared: str) -> None:
    assert shared_by(test) == shared

"""`--set`, live: each scenario about DNS with another TTL, check and resolver."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import about_dns
from tests.unit.scenario.test_stories import CATALOGUE, FOLLOWING, vars_of

pytestmark = pytest.mark.bench

LAB = Path(sys.executable).parent / "lab"
NAME = f"bench-settings-{os.getpid()}"
ASKED = [n for n in about_dns.NAMES if "resolver" in vars_of(CATALOGUE[n])]
#: Another brand than the first honest one; where only some behaviours will do, theirs.
OTHERS = {"ecs": "public-ecs", "geo-by-resolver": "public-ecs"}
#: Those on the same timers follow each other: others need a lab that is made anew.
RUNS = [
    *((name, f"resolver={OTHERS.get(name, 'us-bind')}") for name in ASKED),
    *((n, setting) for setting, names in FOLLOWING.items() for n in sorted(names)),
]


@pytest.fixture(scope="module", autouse=True)
def _lab() -> Iterator[None]:
    yield
    subprocess.run([LAB, "down", "--lab", NAME], check=True)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("name", "setting"), RUNS)
def test_expectations_hold_with_another_setting(name: str, setting: str) -> None:
    argv = [LAB, "run", name, "--lab", NAME, "--set", setting]
    assert subprocess.run(argv, check=False).returncode == 0

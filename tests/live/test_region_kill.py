"""The headline scenario's crash, as a person runs it.

Its power-off is run by `pytest scenarios/`, its drain by the README.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from lab.report.result import Result

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
LAB = Path(sys.executable).parent / "lab"
NAME = f"test-kill-{os.getpid()}"


@pytest.fixture(scope="module", autouse=True)
def _lab() -> Iterator[None]:
    subprocess.run([LAB, "up", "two-region", "--lab", NAME], check=True, cwd=ROOT)
    yield
    subprocess.run([LAB, "down", "--lab", NAME], check=True, cwd=ROOT)


def test_every_expectation_holds() -> None:
    words = f"run region-kill --attach --lab {NAME} --json --set fault=crash"
    done = subprocess.run(
        [LAB, *words.split()],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=240,
        check=False,
    )
    result = json.loads(done.stdout)
    wrong = [e for e in result["expectations"] if e["ok"] is not True]

    assert wrong == []
    assert (done.returncode, result["verdict"]) == (0, "ok")
    assert len(result["expectations"]) > 70
    jsonschema.validate(result, Result.model_json_schema())

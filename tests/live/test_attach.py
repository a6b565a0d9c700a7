"""A scenario on a lab that somebody else has started, told as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from lab.report.result import Result

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
LAB = Path(sys.executable).parent / "lab"


def test_a_running_lab_is_used_and_stays(shared_lab: str) -> None:
    words = f"run rotation --topology minimal --attach --lab {shared_lab} --json"
    done = subprocess.run(
        [LAB, *words.split()],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    result = json.loads(done.stdout)
    wrong = [e for e in result["expectations"] if e["ok"] is not True]

    assert wrong == []
    assert (done.returncode, result["verdict"]) == (0, "ok")
    jsonschema.validate(result, Result.model_json_schema())
    subprocess.run([LAB, "status", "--lab", shared_lab], check=True, cwd=ROOT)


def test_a_zone_with_one_provider_has_only_stale_answers_when_it_is_gone(
    shared_lab: str,
) -> None:
    words = "run provider-outage --topology minimal --attach --json"
    subprocess.run(
        [LAB, *words.split(), "--lab", shared_lab],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        timeout=120,
        check=True,
    )

"""How long gdnsd's defaults take to see a black hole, with the timers as written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench

LAB = Path(sys.executable).parent / "lab"
NAME = f"bench-defaults-{os.getpid()}"


@pytest.mark.timeout(600)
def test_ten_checks_of_ten_seconds_take_a_hundred() -> None:
    argv = [LAB, "run", "slow-defaults", "--profile", "real", "--lab", NAME, "--json"]
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, check=True)
    finally:
        subprocess.run([LAB, "down", "--lab", NAME], check=True)
    result = json.loads(done.stdout)
    slowest = max(e["measured"] for e in result["expectations"] if "gdnsd" in e["text"])

    print(f"\nunseen for {slowest:.1f} s")
    assert result["verdict"] == "ok"
    assert slowest == pytest.approx(100, rel=0.11)

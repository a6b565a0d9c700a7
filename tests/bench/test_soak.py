"""The headline scenario, again and again, while both cores are busy with other work.

`SOAK_RUNS` (10 unless set) is how often each variant runs; `SOAK_BUSY` how many
processes do nothing but compute meanwhile (one per core unless set).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest

pytestmark = pytest.mark.bench

LAB = Path(sys.executable).parent / "lab"
NAME = f"soak-{os.getpid()}"
RUNS = int(os.environ.get("SOAK_RUNS", "10"))
BUSY = int(os.environ.get("SOAK_BUSY", str(os.cpu_count())))


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    endless = "while True: pass"
    workers = [subprocess.Popen([sys.executable, "-c", endless]) for _ in range(count)]
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


@pytest.fixture(scope="module", autouse=True)
def _lab() -> Iterator[None]:
    subprocess.run([LAB, "up", "two-region", "--lab", NAME], check=True)
    yield
    subprocess.run([LAB, "down", "--lab", NAME], check=True)


@pytest.mark.timeout(RUNS * 180)
@pytest.mark.parametrize("fault", ["power-off", "crash", "drain"])
def test_every_run_of_many_passes_under_load(fault: str) -> None:
    verdicts, lags = [], []
    with busy_cores(BUSY):
        for _ in range(RUNS):
            what = f"run region-kill --lab {NAME} --json --set fault={fault}"
            done = subprocess.run(
                [LAB, *what.split()], stdout=subprocess.PIPE, check=False
            )
            result = json.loads(done.stdout)
            verdicts.append(result["verdict"])
            lags.append(result["scheduling_lag_p99_ms"])
            for expected in result["expectations"]:
                if expected["ok"] is not True:
                    print(f"\n{expected}")
    print(
        f"\n{fault}: {verdicts.count('ok')} of {RUNS} pass with {BUSY} busy cores; "
        f"lag p99 {median(lags):.0f} ms (median), {max(lags):.0f} ms (worst)"
    )

    assert verdicts == ["ok"] * RUNS

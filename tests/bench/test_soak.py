"""Scenarios again and again, on an idle machine and while all cores are busy.

`SOAK` says which (`region-kill` unless set; `all` there are): names apart by spaces,
each perhaps with settings, `region-kill:fault=crash,ttl=6`. `SOAK_RUNS` (10) is how
often each runs, `SOAK_BUSY` (`0` and one per core) how many processes do nothing but
compute meanwhile.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from statistics import median
from typing import Any

import pytest

from lab.cli.context import world
from lab.cli.labs import bring_up
from lab.cli.running import Wanted, prepare, run
from lab.paths import scenarios_folder
from lab.scenario.catalogue import load_catalogue
from lab.topology.model import Topology

pytestmark = pytest.mark.bench

NAME = f"soak-{os.getpid()}"
WISHED = os.environ.get("SOAK", "region-kill").split()
STORIES = sorted(load_catalogue(scenarios_folder())) if WISHED == ["all"] else WISHED
RUNS = int(os.environ.get("SOAK_RUNS", "10"))
BUSY = os.environ.get("SOAK_BUSY", f"0 {os.cpu_count()}").split()
RUN_S = 240


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


class Lab:
    """The lab of all runs; who finds it left well need not look at it again."""

    def __init__(self) -> None:
        self._left_well: Topology | None = None

    def carried_out(self, story: str) -> dict[str, Any]:
        """Return the result of a story that was told once more."""
        scenario, _, texts = story.partition(":")
        settings = [text for text in texts.split(",") if text]
        chosen, prepared = prepare(scenario, "", "quick", NAME, settings)
        left, self._left_well = self._left_well, None
        if left != chosen.topology:
            bring_up(chosen)
        with redirect_stdout(io.StringIO()) as out:
            run(chosen, prepared, Wanted(as_json=True), attach=True, keep=True)
        result: dict[str, Any] = json.loads(out.getvalue())
        if result["verdict"] == "ok":
            self._left_well = chosen.topology
        return result


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    yield Lab()
    with world(NAME) as live:
        live.down()


def told(results: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each expectation that was ever missed, or measured unevenly."""
    seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        for expected in result["expectations"]:
            words = (expected["section"], expected["text"])
            seen[": ".join(filter(None, words))].append(expected)
    for text, cases in seen.items():
        values = sorted(c["measured"] for c in cases if c["measured"] is not None)
        missed = sum(c["ok"] is not True for c in cases)
        if missed or (values and values[0] != values[-1]):
            spread = f"{values[0]:.4g} … {median(values):.4g} … {values[-1]:.4g}"
            bounds = f"[{cases[0]['low']}, {cases[0]['high']}]"
            mark = f"MISSED {missed} x  " if missed else ""
            yield f"  {mark}{text}: {spread} in {bounds}"


@pytest.mark.timeout(RUNS * RUN_S)
@pytest.mark.parametrize("busy", [int(count) for count in BUSY])
@pytest.mark.parametrize("story", STORIES)
def test_every_run_of_many_passes(story: str, busy: int, lab: Lab) -> None:
    with busy_cores(busy):
        results = [lab.carried_out(story) for _ in range(RUNS)]
    verdicts = [result["verdict"] for result in results]
    lags = [result["scheduling_lag_p99_ms"] or 0.0 for result in results]
    print(
        f"\n{story}: {verdicts.count('ok')} of {RUNS} pass with {busy} busy cores; "
        f"lag p99 {median(lags):.0f} ms (median), {max(lags):.0f} ms (worst)"
    )
    for line in told(results):
        print(line)

    assert verdicts == ["ok"] * RUNS

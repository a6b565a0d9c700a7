"""How many attempts the agent alone makes on one core, against a bare local server.

Each attempt is a whole one: own connection, HTTP request, reply read, line written.
The agent has one core for itself, server and reader share another.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REQUIRED_RPS = 2000
OFFERED_RPS = 2500
CLIENTS = 1000
WARM_UP_S = 2
MEASURED_S = 7
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One second of the agent's life.

    Attributes:
        good: Good attempts that ended in it.
        other: All other attempts that did.
        cpu: Share of a core that the agent used.
        lag_ms_p99: Lateness of starts.
    """

    good: int
    other: int
    cpu: float
    lag_ms_p99: float


@contextmanager
def pinned(argv: list[str], core: int) -> Iterator[subprocess.Popen[str]]:
    """Run a process on one core for the block, and end it."""
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        os.sched_setaffinity(process.pid, {core})
        try:
            yield process
        finally:
            process.kill()


def watch_plan(ports: dict[str, int]) -> str:
    cohort = {
        "name": "bench",
        "access": "here",
        "resolver": "bare",
        "behaviour": "first-address",
        "qname": "failover",
        "clients": CLIENTS,
        "interval_ms": CLIENTS * 1000 // OFFERED_RPS,
    }
    plan = {
        "zone": "example.com",
        "sources": ["127.0.0.1"],
        "resolvers": {"bare": "127.0.0.1"},
        "cohorts": [cohort],
        "pin_s": 36,
        "connect_timeout_ms": 800,
        "retry_timeout_ms": 300,
        "race_delay_ms": 250,
        "sdk_try_ms": 250,
        "sdk_backoff_ms": 50,
        "sdk_backoff_cap_ms": 200,
        "sdk_deadline_ms": 900,
        **ports,
    }
    return json.dumps(plan) + "\n"


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_S


def seconds(agent: subprocess.Popen[str]) -> Iterator[Second]:
    """Yield the agent's seconds, as its stats lines divide them."""
    assert agent.stdout is not None
    outcomes: Counter[str] = Counter()
    used_s, since_ns = cpu_s(agent.pid), None
    for text in agent.stdout:
        line: dict[str, Any] = json.loads(text)
        if line["type"] == "attempt":
            outcomes[line["outcome"]] += 1
        if line["type"] != "stats":
            continue
        now_s = cpu_s(agent.pid)
        if since_ns is not None:
            took_s = (line["t"] - since_ns) / _NS_PER_S
            good = outcomes.pop("ok", 0)
            yield Second(
                good=round(good / took_s),
                other=outcomes.total(),
                cpu=(now_s - used_s) / took_s,
                lag_ms_p99=line["lag_ms_p99"],
            )
        outcomes.clear()
        used_s, since_ns = now_s, line["t"]


def measure() -> list[Second]:
    """Return the measured seconds, warm-up left out."""
    ours, theirs = sorted(os.sched_getaffinity(0))[:2]
    server_argv = [sys.executable, str(Path(__file__).with_name("bare_server.py"))]
    agent_argv = [sys.executable, "-m", "lab.agent"]
    os.sched_setaffinity(0, {theirs})
    with (
        pinned([*server_argv, str(theirs)], theirs) as server,
        pinned(agent_argv, ours) as agent,
    ):
        assert server.stdout is not None
        assert agent.stdin is not None
        agent.stdin.write(watch_plan(json.loads(server.stdout.readline())))
        agent.stdin.flush()
        every = seconds(agent)
        return [next(every) for _ in range(WARM_UP_S + MEASURED_S)][WARM_UP_S:]


@pytest.fixture
def all_cores() -> Iterator[None]:
    """Give the test process its cores back."""
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.fail("this measurement needs two cores")
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.bench
@pytest.mark.usefixtures("all_cores")
def test_one_core_makes_two_thousand_attempts_a_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = measure()

    made = statistics.median(second.good for second in measured)
    cpu = statistics.median(second.cpu for second in measured)
    lag_ms = statistics.median(second.lag_ms_p99 for second in measured)
    with capsys.disabled():
        print(
            f"\nagent: {made:.0f} attempts/s of {OFFERED_RPS} offered"
            f" ({made / REQUIRED_RPS:.2f} x required) on {cpu:.2f} of a core,"
            f" lag p99 {lag_ms:.1f} ms; median of {MEASURED_S} s"
        )
    assert made >= REQUIRED_RPS
    assert sum(second.other for second in measured) == 0

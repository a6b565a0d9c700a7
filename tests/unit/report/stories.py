"""Judged runs without a lab: synthesised histories of the reference scenario."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from lab.history import History
from lab.judge.model import Verdict
from lab.judge.verdict import judge
from lab.report.facts import RunFacts
from lab.report.result import Result, judged, planned_fault
from lab.scenario.model import Scenario
from lab.topology.model import Topology
from tests.unit.judge.synthesise import Physics, synthesise
from tests.unit.worlds import quick, region_kill


@dataclass(frozen=True, kw_only=True)
class Story:
    """A run and what it came to."""

    topology: Topology
    scenario: Scenario
    history: History
    verdict: Verdict


def facts() -> RunFacts:
    """Return what a report says besides the verdict."""
    return RunFacts(
        scenario="region-kill",
        topology="two-region",
        profile="quick",
        knobs={"fault": "power-off"},
        started_at="2026-01-01T00:00:00+00:00",
        versions={"bird": "BIRD version 2.17.1"},
        scheduling_lag_p99_ms=1.0,
        attempts_per_s=248.0,
    )


def story(*settings: str, how: Physics | None = None) -> Story:
    """Return a judged run of region-kill."""
    topology = quick()
    scenario = region_kill(topology, *settings)
    history = synthesise(topology, scenario, how)
    return Story(
        topology=topology,
        scenario=scenario,
        history=history,
        verdict=judge(topology, scenario, history),
    )


@cache
def power_off() -> Story:
    """Return a run in which everything is as expected."""
    return story()


@cache
def broken() -> Story:
    """Return a run in a lab whose clamping resolvers do not clamp."""
    return story(how=Physics(clamps=False))


@cache
def unseen() -> Story:
    """Return a run of which nothing is known."""
    topology = quick()
    scenario = region_kill(topology)
    history = History(events=(), attempts=())
    return Story(
        topology=topology,
        scenario=scenario,
        history=history,
        verdict=judge(topology, scenario, history),
    )


def before(scenario: Scenario) -> Result:
    """Return what is known of a run before it begins."""
    return Result(
        state="running",
        scenario=scenario.name,
        title=scenario.title,
        questions=scenario.questions,
        knobs=dict(scenario.knobs),
        topology="two-region",
        profile="quick",
        versions={"bird": "BIRD version 2.17.1"},
        started_at="2026-01-01T00:00:00+00:00",
        wall_clock_at_start_ns=0,
        fault=planned_fault(scenario),
    )


def result(told: Story) -> Result:
    """Return the result of a judged run."""
    return judged(before(told.scenario), told.history, told.verdict)

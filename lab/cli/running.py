"""Carrying scenarios out and judging them, for the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time_ns

from lab.cli.context import ERR, OUT, Chosen, choose, print_text, world
from lab.cli.labs import bring_up
from lab.errors import LabError
from lab.history import History
from lab.judge.model import Status, Verdict
from lab.judge.verdict import judge
from lab.live.world import LiveWorld
from lab.paths import runs_folder, scenarios_folder
from lab.report.facts import RunFacts
from lab.report.html import page
from lab.report.junit import junit_xml
from lab.report.progress import RunProgress
from lab.report.result import Result, judged, planned_fault
from lab.report.text import render
from lab.runner import carry_out
from lab.scenario.catalogue import find, load_catalogue
from lab.scenario.duration import least_s
from lab.scenario.model import Scenario
from lab.scenario.settings import read_settings, with_timers
from lab.store import RunFolder, create, load, new_path
from lab.topology.model import Topology

#: A story that takes longer is announced: nobody sits through it.
LONG_S = 300
EXIT = {Status.OK: 0, Status.FAILED: 1, Status.UNKNOWN: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a judged run is to be shown."""

    as_json: bool = False
    every_cohort: bool = False
    junit: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A run and what it came to."""

    folder: RunFolder
    topology: Topology
    scenario: Scenario
    history: History
    verdict: Verdict
    result: Result


def prepare(
    name: str, topology: str, profile: str, lab: str, settings: Sequence[str]
) -> tuple[Chosen, Scenario]:
    """Return the topology in force and the scenario built for it; nothing starts."""
    file = find(load_catalogue(scenarios_folder()), name)
    wanted = read_settings(file, settings)
    chosen = choose(topology or file.topology, profile, lab)
    in_force = with_timers(chosen.topology, wanted.timers)
    story = file.build(in_force, wanted.knobs)
    return replace(chosen, topology=in_force), story


def run(
    chosen: Chosen, story: Scenario, wanted: Wanted, *, attach: bool, keep: bool
) -> Status:
    """Carry a scenario out, keep the run, judge it and show it.

    Args:
        chosen: The topology in force and the lab.
        story: Built for that topology.
        wanted: How to show it.
        attach: The lab runs already, whoever started it.
        keep: It goes on afterwards.
    """
    if (takes_s := least_s(story)) > LONG_S:
        _tell(f"the story alone takes {timedelta(seconds=round(takes_s))}")
    if not attach:
        bring_up(chosen)
    path = new_path(runs_folder(), story)
    with (
        world(chosen.lab, capture=path / "capture") as live,
        _removed_unless(keep, live),
    ):
        live.attach()
        before = _before(chosen, story, live.versions())
        with create(path, chosen.topology, story) as folder:
            seen = _carried_out(live, folder, chosen.topology, story, before)
            show(seen, wanted)
    if keep:
        _tell(f"lab {chosen.lab} goes on; `lab down` removes it")
    return seen.verdict.status


def _carried_out(
    live: LiveWorld,
    folder: RunFolder,
    topology: Topology,
    story: Scenario,
    before: Result,
) -> Judged:
    try:
        with RunProgress(story, topology, ERR) as progress:
            verdict, result, history = carry_out(
                live,
                folder,
                judge,
                topology=topology,
                scenario=story,
                before=before,
                show=progress.feed,
            )
    except BaseException:
        _tell(f"the run as far as it got: {folder.path}")
        raise
    return Judged(
        folder=folder,
        topology=topology,
        scenario=story,
        history=history,
        verdict=verdict,
        result=result,
    )


@contextmanager
def _removed_unless(keep: bool, live: LiveWorld) -> Iterator[None]:
    """Remove the lab in the end; that this failed never hides what failed first."""
    try:
        yield
    except BaseException as first:
        if not keep:
            try:
                live.down()
            except LabError as second:
                first.add_note(f"the lab could not be removed either: {second}")
        raise
    if not keep:
        live.down()


def judge_again(name: str, wanted: Wanted) -> Status:
    """Judge a stored run, keep the verdict and show it; a run not over is not kept."""
    stored = load(runs_folder(), name)
    verdict = judge(stored.topology, stored.scenario, stored.history)
    result = judged(stored.result, stored.history, verdict)
    with RunFolder(stored.folder) as folder:
        seen = Judged(
            folder=folder,
            topology=stored.topology,
            scenario=stored.scenario,
            history=stored.history,
            verdict=verdict,
            result=result,
        )
        if stored.result.state == "running":
            _tell("this run is not over, or its harness was killed: judged so far")
        else:
            folder.save_result(result)
        show(seen, wanted)
    return verdict.status


def show(seen: Judged, wanted: Wanted) -> None:
    """Write the page and the JUnit file; print the text or the JSON."""
    verdict, history = seen.verdict, seen.history
    told = (verdict, history, seen.scenario, seen.topology, _facts(seen.result))
    seen.folder.save_report(page(*told))
    if wanted.junit:
        wanted.junit.write_text(junit_xml(verdict, seen.scenario), encoding="utf-8")
    if wanted.as_json:
        print_text(json.dumps(seen.result.model_dump(mode="json"), indent=2))
    else:
        OUT.print(render(*told, every_cohort=wanted.every_cohort))
    _tell(f"the whole run: {seen.folder.path / 'report.html'}")


def _before(chosen: Chosen, story: Scenario, versions: dict[str, str]) -> Result:
    return Result(
        state="running",
        scenario=story.name,
        title=story.title,
        questions=story.questions,
        knobs=dict(story.knobs),
        topology=chosen.topology.name,
        profile=chosen.profile,
        versions=versions,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        wall_clock_at_start_ns=time_ns(),
        fault=planned_fault(story),
    )


def _facts(result: Result) -> RunFacts:
    return RunFacts(
        scenario=result.scenario,
        topology=result.topology,
        profile=result.profile,
        knobs=result.knobs,
        started_at=result.started_at,
        versions=result.versions,
        scheduling_lag_p99_ms=result.scheduling_lag_p99_ms,
        attempts_per_s=result.attempts_per_s,
    )


def _tell(said: str) -> None:
    ERR.print(said, markup=False, soft_wrap=True, style="dim")

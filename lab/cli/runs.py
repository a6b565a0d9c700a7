"""`lab scenarios`, `lab run`, `lab report`: runs and what they came to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import time_ns
from typing import Annotated

import typer
from rich.table import Table

from lab.cli.context import (
    ERR,
    OUT,
    AsJson,
    Chosen,
    LabName,
    ProfileName,
    choose,
    print_text,
    world,
)
from lab.cli.labs import bring_up
from lab.history import History
from lab.judge.model import Status, Verdict
from lab.judge.verdict import judge
from lab.paths import runs_folder, scenarios_folder
from lab.report.facts import RunFacts
from lab.report.result import Result, planned_fault
from lab.runner import carry_out
from lab.scenario.catalogue import find, load_catalogue
from lab.scenario.model import Scenario
from lab.scenario.settings import read_settings, with_timers
from lab.store import RunFolder, create, load
from lab.topology.model import Topology
from lab.topology.profiles import Profile

_EXIT = {Status.OK: 0, Status.FAILED: 1, Status.UNKNOWN: 4}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(scenarios)
    app.command()(run)
    app.command()(report)


def scenarios() -> None:
    """List the scenarios: what each shows, which questions it answers."""
    table = Table("scenario", "questions", "what it shows", box=None)
    for scenario in load_catalogue(scenarios_folder()).values():
        table.add_row(scenario.name, " ".join(scenario.questions), scenario.title)
    OUT.print(table)


def run(
    scenario: Annotated[str, typer.Argument(help="A name that `lab scenarios` lists.")],
    *,
    topology: Annotated[
        str, typer.Option(help="Another topology than the scenario's own.")
    ] = "",
    lab: LabName = "",
    profile: ProfileName = Profile.QUICK,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A knob or a timer: KEY=VALUE.")
    ] = None,
    attach: Annotated[
        bool, typer.Option(help="Use a lab that runs, whoever started it.")
    ] = False,
    keep: Annotated[
        bool, typer.Option(help="Leave the lab running afterwards.")
    ] = True,
    as_json: AsJson = False,
    every_cohort: Annotated[
        bool, typer.Option("--all", help="A table row for every cohort.")
    ] = False,
) -> None:
    """Carry a scenario out, judge it, and say who recovered when."""
    file = find(load_catalogue(scenarios_folder()), scenario)
    wanted = read_settings(file, settings or [])
    chosen = choose(topology or file.topology, profile, lab)
    in_force = with_timers(chosen.topology, wanted.timers)
    chosen = replace(chosen, topology=in_force)
    story = file.build(in_force, wanted.knobs)
    if not attach:
        bring_up(chosen)
    status = _carry_out(chosen, story, as_json=as_json, every_cohort=every_cohort)
    if not keep:
        with world(chosen.lab) as live:
            live.down()
    raise typer.Exit(_EXIT[status])


def _carry_out(
    chosen: Chosen, story: Scenario, *, as_json: bool, every_cohort: bool
) -> Status:
    from lab.report.progress import RunProgress

    with create(runs_folder(), chosen.topology, story) as folder:
        with world(chosen.lab, capture=folder.path / "capture") as live:
            live.attach()
            before = _before(chosen, story, live.versions())
            with RunProgress(story, ERR) as progress:
                verdict, result, history = carry_out(
                    live,
                    folder,
                    judge,
                    topology=chosen.topology,
                    scenario=story,
                    before=before,
                    show=progress.feed,
                )
        _report(folder, verdict, result, history, story, chosen.topology)
    _show(
        verdict,
        result,
        history,
        story,
        chosen.topology,
        as_json=as_json,
        every_cohort=every_cohort,
    )
    ERR.print(f"the whole run is in {folder.path}", markup=False, soft_wrap=True)
    return verdict.status


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


def report(
    name: Annotated[
        str, typer.Argument(help="A run's folder, or `latest`.")
    ] = "latest",
    *,
    as_json: AsJson = False,
    every_cohort: Annotated[
        bool, typer.Option("--all", help="A table row for every cohort.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(help="Write a JUnit file there too.")
    ] = None,
) -> None:
    """Judge a stored run again and show it; no lab is needed."""
    from lab.report.junit import junit_xml
    from lab.report.result import judged

    stored = load(runs_folder(), name)
    verdict = judge(stored.topology, stored.scenario, stored.history)
    result = judged(stored.result, stored.history, verdict)
    with RunFolder(stored.folder) as folder:
        folder.save_result(result)
        _report(
            folder, verdict, result, stored.history, stored.scenario, stored.topology
        )
    if junit:
        junit.write_text(junit_xml(verdict, stored.scenario), encoding="utf-8")
    _show(
        verdict,
        result,
        stored.history,
        stored.scenario,
        stored.topology,
        as_json=as_json,
        every_cohort=every_cohort,
    )
    ERR.print(f"report: {stored.folder / 'report.html'}", markup=False, soft_wrap=True)
    raise typer.Exit(_EXIT[verdict.status])


def _report(
    folder: RunFolder,
    verdict: Verdict,
    result: Result,
    history: History,
    story: Scenario,
    topology: Topology,
) -> None:
    from lab.report.html import page

    folder.save_report(page(verdict, history, story, topology, _facts(result)))


def _show(
    verdict: Verdict,
    result: Result,
    history: History,
    story: Scenario,
    topology: Topology,
    *,
    as_json: bool,
    every_cohort: bool,
) -> None:
    from lab.report.text import render

    if as_json:
        print_text(json.dumps(result.model_dump(mode="json"), indent=2))
        return
    facts = _facts(result)
    OUT.print(
        render(verdict, history, story, topology, facts, every_cohort=every_cohort)
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

"""`lab scenarios`, `lab run`, `lab report`: runs and what they came to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lab.cli.context import OUT, AsJson, LabName, ProfileName

EveryCohort = Annotated[
    bool, typer.Option("--all", help="A row for every cohort and every expectation.")
]


def _in_a_folder(file: Path | None) -> Path | None:
    """Refuse, before anything starts, what could not be written in the end."""
    if file and not file.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {file.parent}")
    return file


Junit = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        dir_okay=False,
        writable=True,
        callback=_in_a_folder,
        help="Write the expectations as JUnit XML too.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(scenarios)
    app.command()(run)
    app.command()(report)


def scenarios() -> None:
    """List the scenarios and what each shows."""
    from lab.paths import scenarios_folder
    from lab.scenario.catalogue import load_catalogue

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
    profile: ProfileName = "quick",
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
    every_cohort: EveryCohort = False,
    junit: Junit = None,
) -> None:
    """Carry a scenario out and say who recovered when."""
    from lab.cli import running

    chosen, story = running.prepare(scenario, topology, profile, lab, settings or [])
    wanted = running.Wanted(as_json=as_json, every_cohort=every_cohort, junit=junit)
    status = running.run(chosen, story, wanted, attach=attach, keep=keep)
    raise typer.Exit(running.EXIT[status])


def report(
    name: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's folder, or `latest`.")
    ] = "latest",
    *,
    as_json: AsJson = False,
    every_cohort: EveryCohort = False,
    junit: Junit = None,
) -> None:
    """Judge a stored run again and show it."""
    from lab.cli import running

    wanted = running.Wanted(as_json=as_json, every_cohort=every_cohort, junit=junit)
    raise typer.Exit(running.EXIT[running.judge_again(name, wanted)])

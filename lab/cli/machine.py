"""`lab doctor` and `lab build`: the machine and the images."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Annotated

import typer
from rich.table import Table

from lab.cli.context import ERR, OUT
from lab.errors import EnvironmentUnfit
from lab.paths import checkout

_SIGNS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(doctor)
    app.command()(build)


def doctor(
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Install and start an engine if need be.")
    ] = False,
) -> None:
    """Look at whether this machine can run the lab."""
    if fix:
        _fix()
        return
    from lab.live.checks import CheckState
    from lab.live.doctor import examine

    table = Table(box=None, show_header=False, pad_edge=False)
    checks = examine(checkout())
    for check in checks:
        said = check.seen + (f"\n[dim]{check.advice}[/]" if check.advice else "")
        table.add_row(_SIGNS[check.state], check.name, said)
    OUT.print(table)
    failed = [c.name for c in checks if c.state is CheckState.FAIL]
    if failed:
        raise EnvironmentUnfit(f"this machine is not ready: {', '.join(failed)}")


def _fix() -> None:
    from lab.live.bootstrap import ensure_engine

    def ask(deed: str) -> bool:
        return typer.confirm(deed, default=True, err=True)

    person = sys.stdin.isatty() and sys.stderr.isatty()
    info = ensure_engine(ask if person else None, lambda s: ERR.print(s, markup=False))
    started = ", started just now" if info.started else ""
    OUT.print(f"engine: {info.version} on {info.machine}{started}")


def build() -> None:
    """Build the images that are missing or out of date."""
    from lab.live.bootstrap import connect
    from lab.live.images import StepState
    from lab.live.images import build as build_images

    total = 0.0
    with closing(connect()) as client, ERR.status("images") as status:
        for step in build_images(client, checkout()):
            if step.state is StepState.STARTED:
                status.update(f"images: {step.step}")
            elif step.state is StepState.DONE:
                total += step.seconds
                ERR.print(f"image {step.step}: {step.seconds:.1f} s")
    OUT.print(f"images: built in {total:.1f} s of work" if total else "images: current")

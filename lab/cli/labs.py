"""`lab up`, `status`, `down`, `exec`, `logs`, `dig`, `routes`, `fault`."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lab.cli.context import (
    DEFAULT_TOPOLOGY,
    ERR,
    OUT,
    AsJson,
    Chosen,
    LabName,
    ProfileName,
    TopologyName,
    choose,
    only_lab,
    print_text,
    world,
)
from lab.errors import WrongUse
from lab.history import EventKind

NodeName = Annotated[str, typer.Argument(help="A node, as `lab status` lists them.")]


class FaultVerb(StrEnum):
    """What `lab fault` can do to a region."""

    POWER_OFF = "power-off"
    CRASH = "crash"
    DRAIN = "drain"
    RESTORE = "restore"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, status, down, logs, dig, routes, fault):
        app.command()(command)
    settings = {"ignore_unknown_options": True, "allow_interspersed_args": False}
    app.command(name="exec", context_settings=settings)(execute)


def up(
    topology: TopologyName = DEFAULT_TOPOLOGY,
    *,
    lab: LabName = "",
    profile: ProfileName = "quick",
) -> None:
    """Start a lab and wait until it is ready."""
    bring_up(choose(topology, profile, lab))


def bring_up(chosen: Chosen) -> None:
    """Start a lab with a progress bar over its conditions."""
    began = time.monotonic()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} conditions"),
        TimeElapsedColumn(),
        console=ERR,
        transient=True,
    )
    with world(chosen.lab) as live:
        plan = live.plan(chosen.topology, profile=chosen.profile)
        total = sum(len(n.conditions) for n in plan.nodes)
        with bar:
            task = bar.add_task(f"lab {chosen.lab}", total=total)
            for event in live.up(plan):
                if event.kind is EventKind.READY:
                    bar.advance(task)
                elif why := event.detail.get("why"):
                    ERR.print(f"what ran is replaced: {why}", markup=False)
    took_s = time.monotonic() - began
    ERR.print(
        f"lab {chosen.lab} is up: {len(plan.nodes)} nodes, {total} conditions hold, "
        f"{took_s:.1f} s"
    )


def status(*, lab: LabName = "", as_json: AsJson = False) -> None:
    """Show each node, and what is not well with it."""
    name = only_lab(lab)
    with world(name) as live:
        found = live.status()
    if as_json:
        print_text(json.dumps(asdict(found) | {"ready": found.ready}, indent=2))
        return
    table = Table("node", "role", "site", "state", "not well", box=None)
    for node in found.nodes:
        unwell = [f"{daemon} does not run" for daemon in node.down]
        unwell += [f"{condition}: {seen}" for condition, seen in node.waiting]
        state = "[green]ready[/]" if node.ready else f"[red]{node.state}[/]"
        table.add_row(node.name, node.role, node.site, state, escape("\n".join(unwell)))
    OUT.print(table)
    ready = sum(node.ready for node in found.nodes)
    OUT.print(
        f"lab {name}: topology {found.topology}, profile {found.profile}, "
        f"{ready} of {len(found.nodes)} nodes ready"
    )


def down(
    *,
    lab: LabName = "",
    every: Annotated[
        bool, typer.Option("--all", help="Every lab, and the engine if we started it.")
    ] = False,
) -> None:
    """Remove a lab, half started or whole.

    Its containers and networks are found by their label alone.
    """
    from lab.live.bootstrap import EngineInfo, look, stop_engine_if_ours
    from lab.live.engine import Engine

    if isinstance(look(), EngineInfo):
        with Engine.connect() as engine:
            removed = engine.remove(None if every else (lab or _only_or_none()))
        OUT.print(f"removed {removed} containers and networks")
    elif not every:
        OUT.print("no container engine runs, so no lab does")
    if every and (said := stop_engine_if_ours()):
        OUT.print(said, markup=False)


def _only_or_none() -> str | None:
    """Return the only lab there is; None, which stands for all, if there is none."""
    try:
        return only_lab("")
    except WrongUse as error:
        if "several" in str(error):
            raise
        return None


def execute(
    node: NodeName,
    command: Annotated[list[str], typer.Argument(help="-- and a command line.")],
    *,
    lab: LabName = "",
) -> None:
    """Run a command in a node."""
    _run(only_lab(lab), node, *command)


def logs(node: NodeName, *, lab: LabName = "", lines: int = 200) -> None:
    """Show what a node and its daemons said."""
    from lab.live.engine import Engine

    name = only_lab(lab)
    with Engine.connect() as engine:
        from lab.live.naming import NODE

        found = {c.labels[NODE]: c.id for c in engine.containers(name)}
        if node not in found:
            known = ", ".join(sorted(found))
            raise WrongUse(f'no node "{node}"; the lab has: {known}')
        for line in engine.log_tail(found[node], lines).splitlines():
            print_text(_readable(line))


def _readable(line: str) -> str:
    """Return one line of a node's journal in a reader's form."""
    try:
        said = json.loads(line)
        seconds = said.pop("t") / 1e9
        kind = said.pop("kind")
    except (ValueError, KeyError, TypeError, AttributeError):
        return line
    if kind == "log":
        return f"{seconds:14.6f} {said['process']}: {said['line']}"
    facts = " ".join(f"{k}={v}" for k, v in said.items())
    return f"{seconds:14.6f} {kind} {facts}".rstrip()


def dig(
    name: Annotated[str, typer.Argument(help="A served name, or a full one.")],
    *,
    source: Annotated[
        str, typer.Option("--from", help="Resolver or authority to ask.")
    ] = "",
    lab: LabName = "",
) -> None:
    """Ask a resolver or an authority of the lab for a name."""
    from lab.topology.loading import load

    with world(only_lab(lab)) as live:
        live.attach()
        nodes = {n.name: n for n in live.status().nodes}
        asked = source or next(n for n, x in nodes.items() if x.role == "resolver")
        if asked not in nodes:
            raise WrongUse(
                f'no node "{asked}"; the lab has: {", ".join(sorted(nodes))}'
            )
        zone = load(live.status().topology).zone
        served = {n.name for n in zone.names}
        full = f"{name}.{zone.name}" if name in served else name
        shown = live.execute(asked, "ip", "-4", "-o", "addr", "show", "dev", "lo")
        server = str(shown["stdout"]).split()[-1]
        reply = live.execute(asked, "dig", f"@{server}", full)
    print_text(str(reply["stdout"]).strip())


def routes(node: NodeName, *, lab: LabName = "") -> None:
    """Show a router's routes.

    Best paths and alternatives first, then the kernel's table.
    """
    from lab.live.daemons.bird import routes_argv

    name = only_lab(lab)
    _run(name, node, *routes_argv())
    _run(name, node, "ip", "route")


def fault(
    kind: Annotated[FaultVerb, typer.Argument(help="What happens to it.")],
    target: Annotated[str, typer.Argument(help="A region.")],
    *,
    lab: LabName = "",
) -> None:
    """Let a region die, or bring it back."""
    from lab.scenario.model import FaultKind

    with world(only_lab(lab)) as live:
        live.attach()
        if kind is FaultVerb.RESTORE:
            live.undo(target)
            OUT.print(f"{target} is back: every condition holds again")
            return
        effect = live.inject(FaultKind(kind.value), target)
    uncertainty_ms = effect.uncertainty_ns / 1e6
    OUT.print(f"{kind} of {target} took effect, to within {uncertainty_ms:.1f} ms")


def _run(lab: str, node: str, *argv: str) -> None:
    with world(lab) as live:
        reply = live.execute(node, *argv)
    sys.stdout.write(str(reply["stdout"]))
    sys.stderr.write(str(reply["stderr"]))
    if reply["status"]:
        raise typer.Exit(int(reply["status"]))

"""`lab up`, `lab status`, `lab down`, `lab fault`: whole labs."""

from __future__ import annotations

import json
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
    labs_there,
    no_lab,
    only_lab,
    print_text,
    the_one,
    world,
)
from lab.errors import WrongUse
from lab.history import EventKind


class FaultVerb(StrEnum):
    """What `lab fault` can do: every `FaultKind`, and undo it."""

    POWER_OFF = "power-off"
    CRASH = "crash"
    HANG = "hang"
    ISOLATE = "isolate"
    APP_DEAD = "app-dead"
    DRAIN = "drain"
    WITHDRAW = "withdraw"
    BROWN_OUT = "brown-out"
    PROVIDER_OUTAGE = "provider-outage"
    PARTITION = "partition"
    ONE_WAY = "one-way"
    LOSSY = "lossy"
    SLOW = "slow"
    RESTORE = "restore"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, status, down, fault):
        app.command()(command)


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
        disable=not ERR.is_terminal,
    )
    with world(chosen.lab) as live:
        plan = live.plan(chosen.topology, profile=chosen.profile)
        total = sum(len(n.conditions) for n in plan.nodes)
        ERR.print(f"lab {chosen.lab}: {len(plan.nodes)} nodes, {total} conditions")
        with bar:
            task = bar.add_task("until every condition holds", total=total)
            for event in live.up(plan):
                if event.kind is EventKind.READY:
                    bar.advance(task)
                elif why := event.detail.get("why"):
                    ERR.print(f"what ran is replaced: {why}", markup=False)
    ERR.print(f"lab {chosen.lab} is ready after {time.monotonic() - began:.1f} s")


def status(*, lab: LabName = "", as_json: AsJson = False) -> None:
    """Show each node, and what is not well with it."""
    name = only_lab(lab)
    with world(name) as live:
        found = live.status()
    if not found.nodes:
        raise no_lab(name)
    if as_json:
        print_text(json.dumps(asdict(found) | {"ready": found.ready}, indent=2))
        return
    table = Table("node", "role", "site", "state", "not well", box=None)
    for node in found.nodes:
        unwell = [f"{daemon} does not run" for daemon in node.down]
        unwell += [f"{condition}: {seen}" for condition, seen in node.waiting]
        state = "[green]ready[/]" if node.ready else f"[red]{_state(node.state)}[/]"
        table.add_row(node.name, node.role, node.site, state, escape("\n".join(unwell)))
    OUT.print(table)
    ready = sum(node.ready for node in found.nodes)
    OUT.print(
        f"lab {name}: topology {found.topology}, profile {found.profile}, "
        f"{ready} of {len(found.nodes)} nodes ready"
    )
    for target, now in found.suffering.items():
        OUT.print(f"{target} is {now}; `lab fault restore {target}` brings it back")


def _state(of_container: str) -> str:
    return "not ready" if of_container == "running" else of_container


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
    from lab.live.bootstrap import (
        EngineInfo,
        look,
        restart_engine_if_ours,
        stop_engine_if_ours,
    )
    from lab.live.engine import Miscounted

    def say(what: str) -> None:
        OUT.print(what, markup=False)

    if isinstance(look(), EngineInfo):
        try:
            removed = _remove(lab, every=every)
        except Miscounted:
            if not (every and restart_engine_if_ours(say)):
                raise
            removed = _remove(lab, every=every)
        say(f"removed {removed} containers and networks")
    elif not every:
        say("no container engine runs, so no lab does")
    if every and (said := stop_engine_if_ours()):
        say(said)


def _remove(lab: str, *, every: bool) -> int:
    from lab.live.engine import Engine

    with Engine.connect() as engine:
        there = labs_there(engine)
        names = there if every else [the_one(lab, there)] if lab or there else []
        return sum(engine.remove(name) for name in names)


def fault(
    kind: Annotated[FaultVerb, typer.Argument(help="What happens to it.")],
    target: Annotated[
        str,
        typer.Argument(
            help="A region, provider, node, link or NODE/PROCESS; or several: a+b."
        ),
    ],
    *,
    lab: LabName = "",
    loss: Annotated[
        float, typer.Option(help="lossy: share of a direction's packets; 0.3 is 30 %.")
    ] = 0.0,
    extra_ms: Annotated[
        float, typer.Option("--extra-ms", help="slow: so much longer each way.")
    ] = 0.0,
) -> None:
    """Let a region, a node or a link suffer, or bring it back.

    Several can suffer at the same time; a region is restored with all its nodes.

    app-dead, drain, withdraw and brown-out befall regions (drain one of several L4
    nodes too, brown-out a single backend), provider-outage befalls providers; crash and
    hang befall every node, and a single process of one that runs several
    (us-east-l4-1/bird); power-off and isolate all but transits and access networks.
    A link (us-east-uplink) can be cut (isolate), lossy or slow, and what a node sends
    over it lost (one-way us-east-uplink:us-east-edge); partition befalls a region and a
    provider or users (us-east:provider-a). Several of a kind can suffer at one instant
    (us-east+eu-west).
    """
    from lab.scenario.model import FaultKind

    with world(only_lab(lab)) as live:
        live.attach()
        if kind is FaultVerb.RESTORE:
            if loss or extra_ms:
                raise WrongUse("restore undoes all of a fault: it has no amount")
            others = live.undo(target)
            rest = ", ".join(f"{name} is {now}" for name, now in others.items())
            OUT.print(
                f"{target} is restored; conditions wait for the rest: {rest}"
                if rest
                else f"{target} is back: every condition holds again"
            )
            return
        effect = live.inject(
            FaultKind(kind.value), target, loss=loss, extra_ms=extra_ms
        )
    uncertainty_ms = effect.uncertainty_ns / 1e6
    OUT.print(f"{kind} of {target} took effect, to within {uncertainty_ms:.1f} ms")

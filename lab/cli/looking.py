"""`lab routes` and `lab trace`: where packets go in a running lab, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from lab.cli.context import (
    ERR,
    OUT,
    AsJson,
    LabName,
    no_lab,
    only_lab,
    print_text,
    world,
)
from lab.errors import CommandFailed, WrongUse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from lab.live.paths import Path


_KERNEL_ARGV = ("ip", "-j", "route")
_PATIENCE_S = 3.0


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (routes, trace):
        app.command()(command)


def routes(
    node: Annotated[
        str,
        typer.Argument(
            help="A router: edge, transit, access, L4; L7 where it has several edges."
        ),
    ],
    *,
    lab: LabName = "",
    as_json: AsJson = False,
) -> None:
    """Show a router's best paths, and the alternatives.

    best: in use. and: shares the flows with it. or: would follow it.
    """
    from lab.live.daemons.bird import paths_argv
    from lab.live.daemons.registry import has_bird
    from lab.live.paths import parse_paths

    name = only_lab(lab)
    with world(name) as live:
        status = live.status()
        if not status.nodes:
            raise no_lab(name)
        routers = [n.name for n in status.nodes if has_bird(n.stem)]
        if node not in routers:
            raise WrongUse(f'no router "{node}"; the lab has: {", ".join(routers)}')
        try:
            said = live.execute(node, *paths_argv(), timeout_s=_PATIENCE_S)
            kernel = live.execute(node, *_KERNEL_ARGV, timeout_s=_PATIENCE_S)
        except CommandFailed:
            said = {"status": 1}
        if said["status"]:
            raise WrongUse(f"the BIRD of {node} does not answer; see `lab status`")
        book = live.address_book()
    paths = parse_paths(str(said["stdout"]))
    used = forwarding(json.loads(str(kernel["stdout"])))
    if as_json:
        told = [
            asdict(path)
            | {
                "in_use": in_use(path, used),
                "next_hops": [book.get(via, via) for via in path.via],
            }
            for path in paths
        ]
        print_text(json.dumps(told, indent=2))
        return
    OUT.print(routes_table(paths, book, used))


def in_use(path: Path, used: Set[tuple[str, str]]) -> bool:
    """Tell whether the kernel forwards by a path."""
    return any((path.prefix, via) in used for via in path.via)


def forwarding(routes: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Return (prefix, next hop) of a kernel's table, as `ip -j route` shows it."""
    return {
        (_prefix(route["dst"]), hop["gateway"])
        for route in routes
        for hop in route.get("nexthops", (route,))
        if "gateway" in hop
    }


def _prefix(dst: str) -> str:
    return dst if "/" in dst else f"{dst}/32"


def routes_table(
    paths: Sequence[Path], book: Mapping[str, str], used: Set[tuple[str, str]]
) -> Table:
    """Return the paths by prefix, the best of each first.

    Args:
        paths: What BIRD knows.
        book: Names of next hops.
        used: (prefix, next hop) of what the kernel forwards by: several share a
            prefix's flows.
    """
    table = Table(box=None, header_style="bold")
    for column in (
        "prefix",
        "",
        "next hop",
        "AS path",
        "pref",
        "learned from",
        "marks",
    ):
        table.add_column(column, no_wrap=column == "prefix")

    last = ""
    for path in sorted(paths, key=lambda path: (_order(path.prefix), not path.best)):
        hops = ", ".join(book.get(via, via) for via in path.via) or path.kind
        table.add_row(
            path.prefix if path.prefix != last else "",
            "best" if path.best else "and" if in_use(path, used) else "or",
            hops,
            " ".join(str(asn) for asn in path.as_path),
            "" if path.local_pref is None else str(path.local_pref),
            path.protocol,
            " ".join(path.communities),
        )
        last = path.prefix
    return table


def _order(prefix: str) -> tuple[int, ...]:
    return tuple(int(part) for part in prefix.replace("/", ".").split("."))


def trace(
    client: Annotated[str, typer.Argument(help="A node with clients.")],
    name: Annotated[str, typer.Argument(help="A served name, or a full one.")],
    *,
    resolver: Annotated[
        str, typer.Option("--by", help="Resolver to ask: the first one unless given.")
    ] = "",
    topology: Annotated[
        str, typer.Option(help="What the lab was started from; by its name as a rule.")
    ] = "",
    lab: LabName = "",
    as_json: AsJson = False,
) -> None:
    """Make one request and show what every layer does with it."""
    from lab.live.trace import wanted
    from lab.report.journey import journey_table
    from lab.topology.loading import load
    from lab.topology.profiles import Profile, apply

    there = only_lab(lab)
    with world(there) as live:
        status = live.status()
        if not status.nodes:
            raise no_lab(there)
        profile = Profile(status.profile)
        declared = apply(load(topology or status.topology), profile)
        exact = live.runs(declared, profile=profile)
        asked = wanted(declared, client, name, resolver, timed=exact)
        hops = live.trace(declared, asked)
    if as_json:
        print_text(json.dumps([asdict(hop) for hop in hops], indent=2))
        return
    if not exact:
        where = topology or status.topology
        ERR.print(f"started with other timers than {where} has: no ages", style="dim")
    if status.suffering:
        ill = ", ".join(f"{what} is {how}" for what, how in status.suffering.items())
        ERR.print(ill, style="dim")
    OUT.print(journey_table(hops))

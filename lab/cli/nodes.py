"""`lab exec`, `lab logs`, `lab dig`: single nodes of a running lab."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.context import ERR, LabName, no_lab, only_lab, print_text, world
from lab.errors import CommandFailed, WrongUse

if TYPE_CHECKING:
    from lab.live.status import LabStatus, NodeStatus
    from lab.live.world import LiveWorld

NodeName = Annotated[str, typer.Argument(help="A node, as `lab status` lists them.")]
_WHOLE_JOURNAL = 1_000_000
_ANSWERING = ("resolver", "provider", "parent")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="exec")(execute)
    for command in (logs, dig):
        app.command()(command)


def execute(
    node: NodeName,
    command: Annotated[list[str], typer.Argument(help="-- and a command line.")],
    *,
    lab: LabName = "",
) -> None:
    """Run a command in a node."""
    with world(only_lab(lab)) as live:
        try:
            _run(live, node, *command)
        except CommandFailed as error:
            raise WrongUse(str(error)) from error


def logs(
    node: NodeName,
    *,
    lab: LabName = "",
    lines: Annotated[int, typer.Option(min=1, help="At most the last so many.")] = 200,
) -> None:
    """Show what a node and its daemons said."""
    from lab.live.engine import Engine
    from lab.live.naming import NODE

    name = only_lab(lab)
    with Engine.connect() as engine:
        found = {c.labels[NODE]: c.id for c in engine.containers(name)}
        if not found:
            raise no_lab(name)
        if node not in found:
            raise _no_node(node, found)
        journal = engine.log_tail(found[node], _WHOLE_JOURNAL).splitlines()
    said = (readable(line) for line in journal)
    for line in [line for line in said if line][-lines:]:
        print_text(line)


def readable(line: str) -> str:
    """Return one line of a node's journal in a reader's form.

    Replies to the harness are nothing to a reader: "".
    """
    try:
        said = json.loads(line)
        seconds = said.pop("t") / 1e9
        kind = said.pop("kind")
    except (ValueError, KeyError, TypeError, AttributeError):
        return line
    if kind == "reply":
        return ""
    if kind == "log":
        return f"{seconds:14.6f} {said['process']}: {said['line']}"
    facts = " ".join(f"{k}={v}" for k, v in said.items())
    return f"{seconds:14.6f} {kind} {facts}".rstrip()


def dig(
    name: Annotated[str, typer.Argument(help="A served name, or a full one.")],
    *,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="Node that asks: itself if it answers DNS, else its site's resolver.",
        ),
    ] = "",
    lab: LabName = "",
) -> None:
    """Ask the DNS of the lab for a name."""
    with world(only_lab(lab)) as live:
        status = live.status()
        asking, asked = who_asks_whom(status, source)
        shown = live.execute(asked, "ip", "-4", "-br", "address", "show", "dev", "lo")
        server = str(shown["stdout"]).split()[-1].partition("/")[0]
        ERR.print(f"{asking} asks {asked}, {server}", style="dim")
        _run(live, asking, "dig", f"@{server}", full_name(name, status.topology))


def who_asks_whom(status: LabStatus, source: str) -> tuple[str, str]:
    """Return the node that asks and the one that it asks.

    Raises:
        WrongUse: There is no such node, or nothing to ask.
    """
    nodes = {node.name: node for node in status.nodes}
    if not nodes:
        raise no_lab(status.lab)
    resolvers = [n for n in status.nodes if n.role == "resolver"]
    if not resolvers:
        raise WrongUse(f'no resolver of lab "{status.lab}" is there; see `lab status`')
    if not source:
        return resolvers[0].name, resolvers[0].name
    if source not in nodes:
        raise _no_node(source, nodes)
    if nodes[source].role in _ANSWERING:
        return source, source

    def is_elsewhere(resolver: NodeStatus) -> bool:
        return resolver.site != nodes[source].site

    return source, min(resolvers, key=is_elsewhere).name


def full_name(name: str, topology: str) -> str:
    """Return a name as it is served: a single label is one of the topology's zone."""
    if "." in name:
        return name
    from lab.topology.loading import load

    return f"{name}.{load(topology).zone.name}"


def _run(live: LiveWorld, node: str, *argv: str) -> None:
    reply = live.execute(node, *argv)
    sys.stdout.write(str(reply["stdout"]))
    sys.stderr.write(str(reply["stderr"]))
    if reply["status"]:
        raise typer.Exit(int(reply["status"]))


def _no_node(node: str, known: Iterable[str]) -> WrongUse:
    return WrongUse(f'no node "{node}"; the lab has: {", ".join(sorted(known))}')

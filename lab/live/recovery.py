"""Bringing a target back until the lab is as fresh as at its start."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from lab.live import faults
from lab.live.channel import output_of, replies
from lab.live.daemons import registry
from lab.live.fleet import Fleet
from lab.live.readiness import check_again, until_ready
from lab.plan.model import Role

_COMMAND_S = 5.0
#: Whose readiness depends on cached answers; the others come first.
_BEHIND_CACHES = (Role.RESOLVER, Role.CLIENTS)


def bring_back(
    fleet: Fleet, target: str, *, deadline_s: float
) -> Iterator[faults.Effect]:
    """Undo a target's fault; return once every condition of every node holds again.

    Routes and health checks recover first. Then the resolvers start anew, asked or not:
    they have learned answers, which servers do not reply, and who is fast.

    Yields:
        When the undo took effect, as soon as it is known, and again now and then
        while waiting, so that the caller can give up.

    Raises:
        NotReady: A condition missed the deadline.
    """
    until = time.monotonic() + deadline_s
    with fleet.inbox() as inbox:
        effect = faults.restore(fleet, target)
        yield effect
        behind = set(fleet.nodes(*_BEHIND_CACHES))
        ahead = tuple(node for node in fleet.channels if node not in behind)
        for nodes in (ahead, tuple(behind)):
            if nodes != ahead:
                _start_anew(fleet, fleet.nodes(Role.RESOLVER))
            since_ns = check_again(fleet, nodes)
            left_s = max(0.0, until - time.monotonic())
            for _said in until_ready(
                fleet, inbox, nodes, deadline_s=left_s, since_ns=since_ns
            ):
                yield effect


def _start_anew(fleet: Fleet, nodes: tuple[str, ...]) -> None:
    for verb in ("crash", "restore"):
        replies(fleet.request(verb, nodes), _COMMAND_S)


def flush(fleet: Fleet, resolvers: Iterable[str], zone: str) -> int:
    """Let resolvers forget a zone and all below it.

    Returns:
        The earliest moment at which one can have forgotten.

    Raises:
        CommandFailed: One could not.
    """
    requests = {}
    for node in resolvers:
        argv = registry.flush_argv(fleet.members[node].stem, zone)
        requests[node] = fleet.channels[node].request("run", argv=argv)
    told = replies(requests, _COMMAND_S)
    for node, reply in told.items():
        output_of(reply, f"flush {node}", ())
    return min(int(reply["before_ns"]) for reply in told.values())

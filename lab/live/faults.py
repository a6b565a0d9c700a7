"""Faults on a region: struck at one instant on all of its nodes, stamped, undone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.errors import WrongUse
from lab.live.channel import Message, Request, output_of, replies
from lab.live.daemons.bird import DRAINING_FILE, withdraw_argv
from lab.live.fleet import Fleet
from lab.plan.model import Role
from lab.scenario.model import FaultKind

#: A fault is agreed with all nodes at least this long before it happens.
LEAD_S = 0.5
#: How long after its instant a fault's replies may take (a stop waits for daemons).
_REPLY_S = 15.0
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """When something took effect: at `at_ns`, or up to `uncertainty_ns` earlier."""

    at_ns: int
    uncertainty_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault agreed with its nodes.

    Attributes:
        at_ns: The instant agreed.
        watched: The nodes whose stamps tell when the outside saw it.
    """

    at_ns: int
    requests: Mapping[str, Request]
    watched: tuple[str, ...]

    def effect(self) -> Effect:
        """Wait for the fault and return when it took effect.

        Raises:
            CommandFailed: A node did not do it.
        """
        left_s = max(0.0, (self.at_ns - time.monotonic_ns()) / _NS)
        told = replies(self.requests, left_s + _REPLY_S)
        for node, reply in told.items():
            if "status" in reply:
                output_of(reply, self.requests[node].what, ())
        return effect_of([told[node] for node in self.watched])


def effect_of(told: Iterable[Message]) -> Effect:
    """Return the latest end among the replies, and back to the earliest beginning."""
    stamps = [(reply["before_ns"], reply["after_ns"]) for reply in told]
    at_ns = max(after for _, after in stamps)
    return Effect(at_ns=at_ns, uncertainty_ns=at_ns - min(b for b, _ in stamps))


def regions(fleet: Fleet) -> tuple[str, ...]:
    """Return the regions of the lab: sites with an edge router."""
    return tuple(sorted(fleet.members[n].site for n in fleet.nodes(Role.EDGE)))


def region_nodes(fleet: Fleet, region: str) -> tuple[str, ...]:
    """Return the nodes of a region.

    Raises:
        WrongUse: There is no such region.
    """
    known = regions(fleet)
    if region not in known:
        raise WrongUse(f'no region "{region}"; the lab has: {", ".join(known)}')
    return fleet.nodes(*Role, site=region)


def arm(fleet: Fleet, kind: FaultKind, region: str, at_ns: int) -> Strike:
    """Agree on a fault with all nodes of a region; every node has promised on return.

    Raises:
        CommandFailed: A node did not promise in time.
    """
    nodes = region_nodes(fleet, region)
    watched = nodes
    if kind is FaultKind.DRAIN:
        balancers = fleet.nodes(Role.L4, site=region)
        backends = fleet.nodes(Role.BACKEND, site=region)
        mark = ("touch", DRAINING_FILE)
        requests = {
            **fleet.request("run", balancers, at_ns=at_ns, argv=withdraw_argv()),
            **fleet.request("run", backends, at_ns=at_ns, argv=mark),
        }
        watched = (*balancers, *backends)
    else:
        requests = fleet.request(kind.value, nodes, at_ns=at_ns)
        if kind is FaultKind.POWER_OFF:  # what is outside sees the edge's links only
            watched = fleet.nodes(Role.EDGE, site=region)
    return _promised(requests, watched, at_ns)


def arm_stop(fleet: Fleet, region: str, at_ns: int) -> Strike:
    """Agree on the second stage of a drain: every daemon of the region stops."""
    nodes = region_nodes(fleet, region)
    return _promised(fleet.request("stop", nodes, at_ns=at_ns), nodes, at_ns)


def _promised(
    requests: Mapping[str, Request], watched: tuple[str, ...], at_ns: int
) -> Strike:
    for request in requests.values():
        left_s = (at_ns - time.monotonic_ns()) / _NS
        request.wait_armed(max(0.0, left_s))
    return Strike(at_ns=at_ns, requests=requests, watched=watched)


def restore(fleet: Fleet, region: str) -> Effect:
    """Undo whatever befell a region; its conditions are looked at from now on."""
    nodes = region_nodes(fleet, region)
    marked = fleet.nodes(Role.L4, Role.BACKEND, site=region)
    unmark = fleet.request("run", marked, argv=("rm", "-f", DRAINING_FILE))
    replies(unmark, _REPLY_S)
    return effect_of(replies(fleet.request("restore", nodes), _REPLY_S).values())


def state(fleet: Fleet, region: str) -> str:
    """Return `up`, `drained` or `down`, as the region's nodes themselves tell it."""
    nodes = region_nodes(fleet, region)
    told = replies(fleet.request("status", nodes), _REPLY_S)
    if any(set(r["processes"]) - set(r["running"]) for r in told.values()):
        return "down"
    backends = fleet.nodes(Role.BACKEND, site=region)
    marks = fleet.request("run", backends, argv=("test", "-e", DRAINING_FILE))
    found = replies(marks, _REPLY_S).values()
    return "drained" if any(r["status"] == 0 for r in found) else "up"


def inject(fleet: Fleet, kind: FaultKind, region: str) -> Effect:
    """Let a region suffer a fault now.

    A drain withdraws the region and leaves its daemons running.

    Raises:
        WrongUse: No such region, or it suffers from a fault already.
    """
    now = state(fleet, region)
    if now != "up":
        raise WrongUse(f'region "{region}" is {now} already; `lab fault restore` first')
    at_ns = time.monotonic_ns() + int(LEAD_S * _NS)
    return arm(fleet, kind, region, at_ns).effect()


def demand_a_fault(fleet: Fleet, region: str) -> None:
    """Do nothing, if the region suffers from a fault that can be undone.

    Raises:
        WrongUse: No such region, or nothing is wrong with it.
    """
    if state(fleet, region) == "up":
        raise WrongUse(f'region "{region}" suffers from no fault')

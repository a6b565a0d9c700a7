"""What a fault can befall, which faults, and what each asks of which nodes.

A new kind of target is a function that makes one, and a line in `_KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.errors import WrongUse
from lab.live.channel import replies
from lab.live.daemons.bird import DRAINING_FILE, withdraw_argv
from lab.live.fleet import Fleet
from lab.plan.model import Role
from lab.scenario.model import EVERY_PROVIDER, FaultKind

#: While it is there, a backend fails its users (`lab.backend.app`).
BROWNED_OUT_FILE = "/run/lab/browned-out"
#: A host is cut off by its router, in one `ip` process, and must not end before: the
#: rest of its last words would be heard.
_BEHIND_CUT_NS = 250_000_000
_REPLY_S = 5.0
#: Only nodes that forward have kept the power over their own ports; those of transits
#: and access networks are everybody's way, and not one node's.
_OWN_PORTS = frozenset({(Role.EDGE, "bird"), (Role.L4, "nftables")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One request to some nodes, as a part of a fault or of what undoes it.

    Attributes:
        do: Verb of the nodes' first processes.
        unseen_ns: If not 0, nobody outside sees it: it comes that much later than the
            blows that are seen, and they must be over by then.
    """

    do: str
    nodes: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    unseen_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that can suffer a fault.

    Attributes:
        nodes: All that is in it; none of a pair, which is well on both sides.
        faults: The blows of each fault that it can suffer, each node hit once.
        watched: The nodes whose stamps tell when the outside saw a fault, where those
            are not all that are hit.
        undo: What undoes any of its faults, one after the other.
        marks: Files in the nodes of `marked` that are there in a state.
        exits: Of `nodes`, those whose cut links cut all of it off.
        service: Of `nodes`, those whose end alone is the end of the service.
        gates: Routers that can keep the target off the network, with its addresses.
    """

    name: str
    nodes: tuple[str, ...]
    faults: Mapping[FaultKind, tuple[Blow, ...]]
    undo: tuple[Blow, ...]
    watched: Mapping[FaultKind, tuple[str, ...]] = field(default_factory=dict)
    marked: tuple[str, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    exits: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def blows(self, kind: FaultKind) -> tuple[Blow, ...]:
        """Return the blows of a fault.

        Raises:
            WrongUse: It cannot suffer that.
        """
        if kind not in self.faults:
            can = ", ".join(self.faults)
            raise WrongUse(f'"{self.name}" cannot suffer {kind}; it can: {can}')
        return self.faults[kind]


def find(fleet: Fleet, name: str) -> Target:
    """Return a target of the lab.

    Raises:
        WrongUse: There is none of that name.
    """
    for names_of, make in _KINDS.values():
        if name in names_of(fleet):
            return make(fleet, name)
    known = (f"{kind} {', '.join(of(fleet))}" for kind, (of, _) in _KINDS.items())
    raise WrongUse(f'no target "{name}"; the lab has: {"; ".join(known)}')


def names(fleet: Fleet) -> tuple[str, ...]:
    """Return the name of everything that can suffer a fault."""
    return tuple(name for names_of, _ in _KINDS.values() for name in names_of(fleet))


def _regions(fleet: Fleet) -> tuple[str, ...]:
    return tuple(sorted(fleet.members[n].site for n in fleet.nodes(Role.EDGE)))


def _providers(fleet: Fleet) -> tuple[str, ...]:
    return tuple(sorted(fleet.nodes(Role.PROVIDER)))


def _single_nodes(fleet: Fleet) -> tuple[str, ...]:
    """Return every node but the providers, and but the clients, who look on."""
    return tuple(sorted(fleet.nodes(*(set(Role) - {Role.PROVIDER, Role.CLIENTS}))))


def _single(fleet: Fleet, name: str) -> Target:
    nodes = (name,)
    faults = {
        FaultKind.CRASH: (Blow(do="crash", nodes=nodes),),
        FaultKind.HANG: (Blow(do="hang", nodes=nodes),),
    }
    member = fleet.members[name]
    if (member.role, member.stem) in _OWN_PORTS:
        every = {"every_port": True}
        faults |= {
            FaultKind.POWER_OFF: (Blow(do="power-off", nodes=nodes, facts=every),),
            FaultKind.ISOLATE: (Blow(do="isolate", nodes=nodes, facts=every),),
        }
    return Target(
        name=name,
        nodes=nodes,
        faults=faults,
        undo=(Blow(do="restore", nodes=nodes),),
        exits=nodes,
    )


def _region(fleet: Fleet, name: str) -> Target:
    nodes = fleet.nodes(*Role, site=name)
    balancers = fleet.nodes(Role.L4, site=name)
    backends = fleet.nodes(Role.BACKEND, site=name)
    edges = fleet.nodes(Role.EDGE, site=name)
    marks = {"drained": DRAINING_FILE, "browned out": BROWNED_OUT_FILE}
    return Target(
        name=name,
        nodes=nodes,
        faults={
            FaultKind.POWER_OFF: (Blow(do="power-off", nodes=nodes),),
            FaultKind.CRASH: (Blow(do="crash", nodes=nodes),),
            FaultKind.HANG: (Blow(do="hang", nodes=nodes),),
            FaultKind.ISOLATE: (Blow(do="isolate", nodes=edges),),
            FaultKind.APP_DEAD: (Blow(do="crash", nodes=backends),),
            FaultKind.DRAIN: (
                _run(balancers, *withdraw_argv()),
                _run(backends, "touch", DRAINING_FILE),
            ),
            FaultKind.BROWN_OUT: (_run(backends, "touch", BROWNED_OUT_FILE),),
        },
        # What is outside sees the edge's links only.
        watched={FaultKind.POWER_OFF: edges},
        undo=(
            _run((*balancers, *backends), "rm", "-f", *marks.values()),
            Blow(do="restore", nodes=nodes),
        ),
        marked=backends,
        marks=marks,
        exits=edges,
        service=backends,
    )


def _provider(fleet: Fleet, name: str) -> Target:
    nodes = (name,)
    (told,) = replies(fleet.request("status", nodes), _REPLY_S).values()
    addresses = {"addresses": told["loopbacks"]}
    # A host has given up the power over its own link.
    router = fleet.nodes(Role.TRANSIT, site=fleet.members[name].site)
    cut = Blow(do="shut-out", nodes=router, facts=addresses)
    gone = (cut, Blow(do="crash", nodes=nodes, unseen_ns=_BEHIND_CUT_NS))
    return Target(
        name=name,
        nodes=nodes,
        faults={
            FaultKind.POWER_OFF: gone,
            FaultKind.PROVIDER_OUTAGE: gone,
            FaultKind.CRASH: (Blow(do="crash", nodes=nodes),),
            FaultKind.HANG: (Blow(do="hang", nodes=nodes),),
            FaultKind.ISOLATE: (cut,),
        },
        undo=(
            Blow(do="let-in", nodes=router, facts=addresses),
            Blow(do="restore", nodes=nodes),
        ),
        gates=dict.fromkeys(router, tuple(told["loopbacks"])),
    )


def _pairs(fleet: Fleet) -> tuple[str, ...]:
    """Return every region with whom it can be parted from: `us-east:provider-a`."""
    users = sorted(fleet.nodes(Role.CLIENTS))
    providers = _providers(fleet)
    every = (EVERY_PROVIDER,) if providers else ()
    others = (*every, *providers, *users)
    return tuple(f"{region}:{other}" for region in _regions(fleet) for other in others)


def _pair(fleet: Fleet, name: str) -> Target:
    region, _, other = name.partition(":")
    parted = _providers(fleet) if other == EVERY_PROVIDER else (other,)
    told = replies(fleet.request("status", parted), _REPLY_S).values()
    edges = fleet.nodes(Role.EDGE, site=region)
    addresses = tuple(address for reply in told for address in reply["loopbacks"])
    facts = {"addresses": list(addresses)}
    return Target(
        name=name,
        nodes=(),
        faults={
            FaultKind.PARTITION: (Blow(do="shut-out", nodes=edges, facts=facts),),
        },
        undo=(Blow(do="let-in", nodes=edges, facts=facts),),
        gates=dict.fromkeys(edges, addresses),
    )


def _run(nodes: tuple[str, ...], *argv: str) -> Blow:
    return Blow(do="run", nodes=nodes, facts={"argv": argv})


_Names = Callable[[Fleet], tuple[str, ...]]
#: Every kind of target: all names of it, and what one of them is made of.
_KINDS: Mapping[str, tuple[_Names, Callable[[Fleet, str], Target]]] = {
    "regions": (_regions, _region),
    "providers": (_providers, _provider),
    "nodes": (_single_nodes, _single),
    "pairs": (_pairs, _pair),
}

"""What a fault can befall, which faults, and what each asks of which nodes.

A new kind of target is a function that makes one, and a line in `_KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from lab.errors import WrongUse
from lab.live.blows import Blow, Target
from lab.live.channel import replies
from lab.live.daemons.bird import drain_argv, leave_argv, withdraw_argv
from lab.live.fleet import Fleet
from lab.live.several import AT_ONCE, at_once
from lab.plan.model import Role
from lab.render.bird import DRAINING_FILE, LEAVING_FILE, WITHDRAWN_FILE
from lab.scenario.model import EVERY_PROVIDER, Fault, FaultKind

#: While it is there, a backend fails its users (`lab.backend.app`).
BROWNED_OUT_FILE = "/run/lab/browned-out"
_REPLY_S = 5.0
#: Who cuts itself off: routers by their ports, hosts by a gate (`lab.node.gate`). The
#: ports of transits and access networks are everybody's way, and not one node's.
_CUT_THEMSELVES = (Role.EDGE, Role.L4, Role.L7)
#: Hosts whose every packet passes the router of their site.
_BEHIND_ROUTERS = (Role.PROVIDER, Role.RESOLVER, Role.PARENT, Role.GLOBAL_L4)
_SITE_ROUTERS = (Role.TRANSIT, Role.ACCESS)
#: Who keeps the power over the links that it is on.
_LINKED = frozenset({Role.EDGE, *_SITE_ROUTERS})
#: Whose nodes may run several daemons.
DO_SEVERAL = (Role.L4, Role.L7)
ONLY_BALANCER = "nobody else takes its users: drain the region"
_NO_NETEM = (
    "without netem in the kernel, only a link that is long by declaration gets longer"
)


def find(fleet: Fleet, name: str) -> Target:
    """Return a target of the lab, or several that suffer at once: `us-east+eu-west`.

    Raises:
        WrongUse: There is none of that name, or these cannot suffer at once.
    """
    if AT_ONCE in name:
        return at_once(name, [find(fleet, part) for part in name.split(AT_ONCE)])
    for kind, (names_of, make) in _KINDS.items():
        if name in names_of(fleet):
            return replace(make(fleet, name), kind=kind)
    why = f'no target "{name}"'
    if name in fleet.nodes(Role.CLIENTS):
        why = f'"{name}" looks on, and a fault there would be the measurement\'s own'
    there = {kind: ", ".join(of(fleet)) for kind, (of, _) in _KINDS.items()}
    known = "; ".join(f"{kind} {names}" for kind, names in there.items() if names)
    raise WrongUse(f"{why}; the lab has: {known}")


def names(fleet: Fleet) -> tuple[str, ...]:
    """Return the name of everything that can suffer a fault."""
    return tuple(name for names_of, _ in _KINDS.values() for name in names_of(fleet))


def blows(fleet: Fleet, target: Target, fault: Fault) -> tuple[Blow, ...]:
    """Return the blows of a fault, each with how much it is.

    Raises:
        WrongUse: The target cannot suffer that.
    """
    kind = fault.kind
    if kind in target.faults:
        return tuple(
            replace(blow, facts={**blow.facts, **fault.amounts})
            for blow in target.faults[kind]
        )
    said = f'"{target.name}" cannot suffer {kind}; it can: {", ".join(target.faults)}'
    others = ", ".join(t.name for t in whom(fleet, kind))
    said += f"; {kind} is for: {others or 'nothing here'}"
    why = target.why_not.get(kind)
    raise WrongUse(f"{said} ({why})" if why else said)


def whom(fleet: Fleet, kind: FaultKind) -> tuple[Target, ...]:
    """Return everything that can suffer a fault of this kind."""
    every = (find(fleet, name) for name in names(fleet))
    return tuple(target for target in every if kind in target.faults)


def _regions(fleet: Fleet) -> tuple[str, ...]:
    return tuple(sorted({fleet.members[n].site for n in fleet.nodes(Role.EDGE)}))


def _providers(fleet: Fleet) -> tuple[str, ...]:
    return tuple(sorted(fleet.nodes(Role.PROVIDER)))


def _single_nodes(fleet: Fleet) -> tuple[str, ...]:
    """Return every node but the providers, and but the clients, who look on."""
    return tuple(sorted(fleet.nodes(*(set(Role) - {Role.PROVIDER, Role.CLIENTS}))))


def _single(fleet: Fleet, name: str) -> Target:
    role = fleet.members[name].role
    if role in _BEHIND_ROUTERS:
        return _behind_router(fleet, name)
    if role is Role.BACKEND:
        return _backend(fleet, name)
    if role is Role.L4:
        return _balancer(fleet, name)
    if role in _CUT_THEMSELVES:
        return _cutting_itself(fleet, name)
    return _alone(name)


def _alone(name: str) -> Target:
    nodes = (name,)
    return Target(
        name=name,
        nodes=nodes,
        faults=_deaths(nodes),
        undo=(Blow(do="restore", nodes=nodes),),
        exits=nodes,
    )


def _cutting_itself(fleet: Fleet, name: str) -> Target:
    host = _alone(name)
    (told,) = replies(fleet.request("status", host.nodes), _REPLY_S).values()
    kinds = (FaultKind.POWER_OFF, FaultKind.ISOLATE)
    if said := str(told["uncuttable"]):
        return replace(host, why_not=dict.fromkeys(kinds, said))
    every = {"every_port": True}
    cuts = {k: (Blow(do=k, nodes=host.nodes, facts=every),) for k in kinds}
    return replace(host, faults={**host.faults, **cuts})


def _deaths(nodes: tuple[str, ...]) -> dict[FaultKind, tuple[Blow, ...]]:
    """Return what every node can suffer."""
    return {
        FaultKind.CRASH: (Blow(do="crash", nodes=nodes),),
        FaultKind.HANG: (Blow(do="hang", nodes=nodes),),
    }


def _backend(fleet: Fleet, name: str) -> Target:
    """Return a host that can also fail its users alone."""
    host = _cutting_itself(fleet, name)
    faults = {FaultKind.BROWN_OUT: (_run(host.nodes, "touch", BROWNED_OUT_FILE),)}
    return replace(
        host,
        faults={**host.faults, **faults},
        undo=(_run(host.nodes, "rm", "-f", BROWNED_OUT_FILE), *host.undo),
        marked=host.nodes,
        marks={"browned out": BROWNED_OUT_FILE},
    )


def _balancer(fleet: Fleet, name: str) -> Target:
    """Return a host that can be drained, if there are others beside it."""
    host = _cutting_itself(fleet, name)
    beside = fleet.nodes(Role.L4, site=fleet.members[name].site)
    if beside == host.nodes:
        why_not = {**host.why_not, FaultKind.DRAIN: ONLY_BALANCER}
        return replace(host, why_not=why_not)
    return replace(
        host,
        faults={**host.faults, FaultKind.DRAIN: (_run(host.nodes, *leave_argv()),)},
        undo=(_run(host.nodes, "rm", "-f", LEAVING_FILE), *host.undo),
        marked=host.nodes,
        marks={"drained": LEAVING_FILE},
    )


def _region(fleet: Fleet, name: str) -> Target:
    nodes = fleet.nodes(*Role, site=name)
    balancers = fleet.nodes(Role.L4, site=name)
    backends = fleet.nodes(Role.BACKEND, site=name)
    edges = fleet.nodes(Role.EDGE, site=name)
    inside = tuple(node for node in nodes if node not in edges)
    marks = {
        "withdrawn": WITHDRAWN_FILE,
        "drained": DRAINING_FILE,
        "browned out": BROWNED_OUT_FILE,
    }
    return Target(
        name=name,
        nodes=nodes,
        faults={
            # An edge that still ran would pass on what those inside say as they end.
            FaultKind.POWER_OFF: (
                Blow(do="power-off", nodes=edges),
                Blow(do="power-off", nodes=inside, behind=True),
            ),
            FaultKind.CRASH: (Blow(do="crash", nodes=nodes),),
            FaultKind.HANG: (Blow(do="hang", nodes=nodes),),
            FaultKind.ISOLATE: (Blow(do="isolate", nodes=edges),),
            FaultKind.APP_DEAD: (Blow(do="crash", nodes=backends),),
            FaultKind.DRAIN: (
                _run(balancers, *drain_argv()),
                _run(backends, "touch", DRAINING_FILE),
            ),
            FaultKind.WITHDRAW: (
                _run(balancers, *withdraw_argv()),
                _run(backends, "touch", WITHDRAWN_FILE),
            ),
            FaultKind.BROWN_OUT: (_run(backends, "touch", BROWNED_OUT_FILE),),
        },
        # What is outside sees the edge's links only.
        watched={FaultKind.POWER_OFF: edges},
        undo=(
            _run((*balancers, *backends), "rm", "-f", *marks.values(), LEAVING_FILE),
            Blow(do="restore", nodes=nodes),
        ),
        marked=backends,
        marks=marks,
        exits=edges,
        service=backends,
    )


def _provider(fleet: Fleet, name: str) -> Target:
    host = _behind_router(fleet, name)
    gone = {FaultKind.PROVIDER_OUTAGE: host.faults[FaultKind.POWER_OFF]}
    return replace(host, faults={**host.faults, **gone})


def _behind_router(fleet: Fleet, name: str) -> Target:
    """Return a host, which has given up the power over its own link."""
    nodes = (name,)
    (told,) = replies(fleet.request("status", nodes), _REPLY_S).values()
    addresses = {"addresses": told["loopbacks"]}
    router = fleet.nodes(*_SITE_ROUTERS, site=fleet.members[name].site)
    cut = Blow(do="shut-out", nodes=router, facts=addresses)
    end = Blow(do="crash", nodes=nodes, behind=True)
    return Target(
        name=name,
        nodes=nodes,
        faults={
            **_deaths(nodes),
            FaultKind.POWER_OFF: (cut, end),
            FaultKind.ISOLATE: (cut,),
        },
        undo=(
            Blow(do="let-in", nodes=router, facts=addresses),
            Blow(do="restore", nodes=nodes),
        ),
        gates=dict.fromkeys(router, tuple(told["loopbacks"])),
    )


def processes(fleet: Fleet) -> tuple[str, ...]:
    """Return every process of the nodes that do several things: `us-east-l4-1/bird`."""
    told = replies(fleet.request("status", fleet.nodes(*DO_SEVERAL)), _REPLY_S)
    own = {node: told[node]["own"] for node in told if len(told[node]["own"]) > 1}
    return tuple(f"{node}/{process}" for node in own for process in own[node])


def _process(_: Fleet, name: str) -> Target:
    node, _slash, process = name.partition("/")
    nodes = (node,)

    def to(verb: str) -> tuple[Blow, ...]:
        return (Blow(do=verb, nodes=nodes, facts={"process": process}),)

    return Target(
        name=name,
        nodes=nodes,
        faults={FaultKind.CRASH: to("crash"), FaultKind.HANG: to("hang")},
        undo=to("restore"),
        process=process,
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


def _links(fleet: Fleet) -> tuple[str, ...]:
    """Return every link whose ends are all routers."""
    ends: dict[str, list[Role]] = {}
    for member in fleet.members.values():
        for link in member.links:
            ends.setdefault(link, []).append(member.role)
    return tuple(
        sorted(x for x in ends if len(ends[x]) > 1 and _LINKED.issuperset(ends[x]))
    )


def _ends(fleet: Fleet, link: str) -> dict[str, str]:
    """Return the nodes on a link, with their addresses on it."""
    members = fleet.members.values()
    return {m.node: m.links[link] for m in members if link in m.links}


def _link(fleet: Fleet, name: str) -> Target:
    ends = _ends(fleet, name)
    told = replies(fleet.request("status", ends), _REPLY_S)
    longer = [n for n, address in ends.items() if address in told[n]["lengthens"]]
    stretched = tuple(_at_end("slow", node, ends[node]) for node in longer)
    slow = {FaultKind.SLOW: stretched} if stretched else {}
    return Target(
        name=name,
        nodes=(),
        faults={
            FaultKind.ISOLATE: tuple(
                _at_end("lose", n, a, loss=1) for n, a in ends.items()
            ),
            FaultKind.LOSSY: tuple(_at_end("lose", n, a) for n, a in ends.items()),
            **slow,
        },
        undo=(
            *(_at_end("lose", n, a, loss=0) for n, a in ends.items()),
            *(_at_end("slow", n, ends[n], extra_ms=0) for n in longer),
        ),
        hears=ends,
        why_not={FaultKind.SLOW: _NO_NETEM},
    )


def _directions(fleet: Fleet) -> tuple[str, ...]:
    """Return both directions of every link, by who sends: `long-haul:transit-a`."""
    ends = {link: sorted(_ends(fleet, link)) for link in _links(fleet)}
    return tuple(f"{x}:{node}" for x in ends if len(ends[x]) == 2 for node in ends[x])


def _direction(fleet: Fleet, name: str) -> Target:
    link, _, sender = name.partition(":")
    ends = _ends(fleet, link)
    ((node, address),) = ((n, a) for n, a in ends.items() if n != sender)
    return Target(
        name=name,
        nodes=(),
        faults={
            FaultKind.ONE_WAY: (_at_end("lose", node, address, loss=1),),
            FaultKind.LOSSY: (_at_end("lose", node, address),),
        },
        undo=(_at_end("lose", node, address, loss=0),),
        hears={node: address},
    )


def directions(fleet: Fleet, target: Target) -> tuple[Target, ...]:
    """Return the directions of a link; none of what is no link."""
    own = (n for n in _directions(fleet) if n.partition(":")[0] == target.name)
    return tuple(find(fleet, name) for name in own)


def _at_end(do: str, node: str, address: str, **amounts: float) -> Blow:
    return Blow(do=do, nodes=(node,), facts={"address": address, **amounts})


def _run(nodes: tuple[str, ...], *argv: str) -> Blow:
    return Blow(do="run", nodes=nodes, facts={"argv": argv})


_Names = Callable[[Fleet], tuple[str, ...]]
#: Every kind of target: all names of it, and what one of them is made of.
_KINDS: Mapping[str, tuple[_Names, Callable[[Fleet, str], Target]]] = {
    "regions": (_regions, _region),
    "providers": (_providers, _provider),
    "links": (_links, _link),
    "nodes": (_single_nodes, _single),
    "directions": (_directions, _direction),
    "pairs": (_pairs, _pair),
    "processes": (processes, _process),
}

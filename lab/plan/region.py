"""The nodes of a region: edges, L4 nodes, L7 nodes, backends. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.plan.links import (
    Wiring,
    backend_names,
    edge_names,
    fabric_name,
    l4_names,
    l7_names,
    uplink_names,
)
from lab.plan.model import Node, Process, Role
from lab.plan.nodes import (
    BALANCER_SYSCTLS,
    PER_FLOW,
    PER_USER,
    SHARED_ADDRESS_SYSCTLS,
    Place,
    forwarding,
    host_node,
    other_prefixes,
    router_addresses,
    router_node,
    routing,
)
from lab.render import announcer, backend, bird, envoy, nftables
from lab.render.model import Rendered, joined
from lab.topology.l4 import L4Kind
from lab.topology.model import Region, Topology


def region_nodes(topology: Topology, region: Region, wiring: Wiring) -> Iterator[Node]:
    """Yield the nodes of one region."""
    inside = _Inside(topology=topology, region=region, wiring=wiring)
    for number, name in enumerate(edge_names(region)):
        yield _edge(inside, number, name)
    for name in l4_names(region):
        yield _l4(inside, name)
    for name in l7_names(region):
        yield _l7(inside, name)
    for name, declared in zip(backend_names(region), region.backends, strict=True):
        yield host_node(
            name,
            role=Role.BACKEND,
            stem="backend",
            place=inside.place,
            wiring=wiring,
            loopbacks=(),
            rendered=backend.render(name, region.name, inside.address(name), declared),
            gate=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inside:
    """A region from the inside: who is there, and how packets leave it."""

    topology: Topology
    region: Region
    wiring: Wiring

    @property
    def place(self) -> Place:
        """Where its hosts sit: they send everything to the one edge, if it is one."""
        edges, lan = edge_names(self.region), fabric_name(self.region)
        router = edges[0] if len(edges) == 1 else ""
        return Place(site=self.region.name, lan=lan, router=router)

    @property
    def services(self) -> tuple[IPv4Address, ...]:
        """The addresses that users connect to."""
        hybrids = (hybrid.address for hybrid in self.topology.hybrids)
        return (self.region.address, self.topology.anycast.address, *hybrids)

    @property
    def announced(self) -> tuple[IPv4Network, ...]:
        """The prefixes of several regions that its L4 nodes announce."""
        mine = (h.announced_by(self.region.name) for h in self.topology.hybrids)
        return (self.topology.anycast.prefix, *(prefix for prefix in mine if prefix))

    @property
    def standbys(self) -> tuple[bird.Standby, ...]:
        """The prefixes that it announces once another region is dead."""
        return tuple(
            bird.Standby(
                name=hybrid.name,
                prefix=hybrid.prefix,
                primary=self.topology.region(hybrid.primary).address,
            )
            for hybrid in self.topology.hybrids
            if hybrid.stands_by(self.region.name)
        )

    @property
    def several(self) -> bool:
        """Whether there are several edges, of which one may die."""
        return self.region.edges > 1

    @property
    def answering(self) -> frozenset[str]:
        """The nodes at which users' connections end, and from which replies go."""
        packets = self.region.l4_kind is L4Kind.PACKET
        return frozenset((l7_names if packets else l4_names)(self.region))

    def learns(self, name: str) -> bool:
        """Tell whether a host learns its ways out: it needs one, and has several."""
        return self.several and name in self.answering

    def learned(self, name: str) -> tuple[tuple[IPv4Network, int], ...]:
        """Return which prefixes a host learns, over how many edges at least."""
        others = other_prefixes(self.topology, self.region.prefix)
        return tuple(
            (p, 1) for p in others if p not in self.announced and self.learns(name)
        )

    def address(self, name: str) -> IPv4Address:
        """Return a node's address on the region's LAN."""
        return self.wiring.address(self.place.lan, name)

    def addresses(self, names: tuple[str, ...]) -> tuple[tuple[str, IPv4Address], ...]:
        """Return (name, address) of nodes on the region's LAN."""
        return tuple((name, self.address(name)) for name in names)

    def session(
        self, here: str, there: str, *, exports: str, imports: bool = True
    ) -> bird.Peer:
        """Return the session of two nodes of the region, as one of them sees it."""
        return bird.Peer(
            name=there,
            asn=self.region.asn,
            local=self.address(here),
            remote=self.address(there),
            exports=exports,
            imports=imports,
        )


def _edge(inside: _Inside, number: int, name: str) -> Node:
    topology, region, wiring = inside.topology, inside.region, inside.wiring
    uplink, above = uplink_names(region)[number], region.uplinks[number]
    transit = bird.Peer(
        name=above,
        asn=next(t.asn for t in topology.transits if t.name == above),
        local=wiring.address(uplink, name),
        remote=wiring.address(uplink, above),
        exports="all",
    )
    learning = tuple(n for n in l7_names(region) if inside.learns(n))
    peers = tuple(
        inside.session(
            name, other, exports="learned" if inside.learns(other) else "none"
        )
        for other in (*l4_names(region), *learning)
    )
    own = inside.announced
    learns = tuple(
        (p, region.l4 if p in own else 1)
        for p in other_prefixes(topology, region.prefix)
    )
    loopback = router_addresses(region.prefix, region.edges)[number]
    return router_node(
        name,
        role=Role.EDGE,
        site=region.name,
        wiring=wiring,
        loopback=loopback,
        boundary=(uplink,),
        rendered=bird.router(
            name,
            asn=region.asn,
            router_id=loopback,
            aggregate=region.prefix,
            hosts=(),
            peers=(transit, *peers),
            learns=learns,
            timers=topology.timers,
            prepends={
                h.prefix: h.prepended_by(region.name)
                for h in topology.hybrids
                if h.prepended_by(region.name)
            },
        ),
        sharing=PER_USER if inside.several else PER_FLOW,
    )


def _l4(inside: _Inside, name: str) -> Node:
    region, services = inside.region, inside.services
    l7 = inside.addresses(l7_names(region))
    announcing = bird.announcing(
        name,
        asn=region.asn,
        router_id=inside.address(name),
        anycast=inside.announced,
        standbys=inside.standbys,
        unicast=region.address,
        peers=tuple(
            inside.session(name, edge, exports="static", imports=inside.learns(name))
            for edge in edge_names(region)
        ),
        learns=inside.learned(name),
        timers=inside.topology.timers,
        announcers=_announcers(inside, tuple(address for _, address in l7)),
    )
    tls = region.l7_policy.tls
    # Stopped in reverse: what announces goes before what serves.
    if region.l4_kind is L4Kind.PROXY:
        proxy = envoy.render_l4(name, services, l7, region.l4_hash, tls=tls)
        host = host_node(
            name,
            role=Role.L4,
            stem="l4",
            place=inside.place,
            wiring=inside.wiring,
            loopbacks=services,
            rendered=joined(proxy, announcing),
            sysctls=BALANCER_SYSCTLS,
            gate=True,
        )
        return routing(host) if inside.learns(name) else host
    marked = {n: (mark, a) for mark, (n, a) in enumerate(l7, start=1)}
    steering = nftables.render(name, services, marked, region.l4_hash, tls=tls)
    return forwarding(
        host_node(
            name,
            role=Role.L4,
            stem="nftables",
            place=inside.place,
            wiring=inside.wiring,
            loopbacks=(),
            rendered=joined(steering, announcing),
        ),
        marked.values(),
    )


def _announcers(inside: _Inside, l7: tuple[IPv4Address, ...]) -> tuple[Process, ...]:
    """Return who tells BIRD what to announce, on every L4 node."""
    region, timers = inside.region, inside.topology.timers
    announce = inside.topology.announce_of(region.name)
    looking = announcer.looks(announce.depth, region.l4_kind, region.address, l7)
    return (
        *announcer.processes(
            announce, looking, heeded=timers.bgp.heeds_graceful_shutdown
        ),
        *(announcer.standing_by(region.address, s, announce) for s in inside.standbys),
    )


def _l7(inside: _Inside, name: str) -> Node:
    region, answers = inside.region, name in inside.answering
    services = inside.services if answers else ()
    zone = inside.topology.zone
    proxy = envoy.render_l7(
        name,
        region,
        (inside.address(name), *services),
        inside.addresses(backend_names(region)),
        envoy.Certified(
            lab=inside.topology.name,
            names=tuple(f"{served.name}.{zone.name}" for served in zone.names),
        ),
    )
    learns = inside.learns(name)
    host = host_node(
        name,
        role=Role.L7,
        stem="l4" if learns else "envoy",
        place=inside.place,
        wiring=inside.wiring,
        loopbacks=services,
        rendered=joined(proxy, _ways_out(inside, name)) if learns else proxy,
        sysctls=(*BALANCER_SYSCTLS, *SHARED_ADDRESS_SYSCTLS) if answers else (),
        gate=True,
    )
    return routing(host) if learns else host


def _ways_out(inside: _Inside, name: str) -> Rendered:
    """Return the BIRD of a host that answers users by way of several edges."""
    return bird.listening(
        name,
        asn=inside.region.asn,
        router_id=inside.address(name),
        peers=tuple(
            inside.session(name, edge, exports="none")
            for edge in edge_names(inside.region)
        ),
        learns=inside.learned(name),
        timers=inside.topology.timers,
    )

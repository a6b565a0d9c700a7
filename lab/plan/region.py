"""The nodes of a region: an edge, L4 nodes, L7 nodes, backends. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from lab.plan.links import (
    Wiring,
    backend_names,
    edge_name,
    fabric_name,
    l4_names,
    l7_names,
    uplink_name,
)
from lab.plan.model import Node, Role
from lab.plan.nodes import (
    BALANCER_SYSCTLS,
    SHARED_ADDRESS_SYSCTLS,
    Place,
    forwarding,
    host_node,
    other_prefixes,
    router_address,
    router_node,
)
from lab.render import announcer, backend, bird, envoy, nftables
from lab.render.model import joined
from lab.topology.model import L4Kind, Region, Topology, Transit


def region_nodes(topology: Topology, region: Region, wiring: Wiring) -> Iterator[Node]:
    """Yield the nodes of one region."""
    yield _edge(topology, region, wiring)
    place = Place(site=region.name, lan=fabric_name(region), router=edge_name(region))
    for name in l4_names(region):
        yield _l4(topology, region, wiring, place, name)
    for name in l7_names(region):
        backends = tuple(
            (b, wiring.address(place.lan, b)) for b in backend_names(region)
        )
        ends = region.l4_kind is L4Kind.PACKET  # users' connections, here and not at L4
        services = _services(topology, region) if ends else ()
        yield host_node(
            name,
            role=Role.L7,
            stem="envoy",
            place=place,
            wiring=wiring,
            loopbacks=services,
            rendered=envoy.render_l7(
                name,
                region.name,
                (wiring.address(place.lan, name), *services),
                backends,
                tuple(declared.weight for declared in region.backends),
                region.l7_retries,
            ),
            sysctls=(*BALANCER_SYSCTLS, *SHARED_ADDRESS_SYSCTLS) if ends else (),
        )
    for name, declared in zip(backend_names(region), region.backends, strict=True):
        address = wiring.address(place.lan, name)
        yield host_node(
            name,
            role=Role.BACKEND,
            stem="backend",
            place=place,
            wiring=wiring,
            loopbacks=(),
            rendered=backend.render(name, region.name, address, declared),
        )


def _transit(topology: Topology, name: str) -> Transit:
    return next(t for t in topology.transits if t.name == name)


def _edge(topology: Topology, region: Region, wiring: Wiring) -> Node:
    name = edge_name(region)
    fabric, uplink = fabric_name(region), uplink_name(region)
    transit = bird.Peer(
        name=region.transit,
        asn=_transit(topology, region.transit).asn,
        local=wiring.address(uplink, name),
        remote=wiring.address(uplink, region.transit),
        exports="all",
    )
    balancers = tuple(
        bird.Peer(
            name=l4,
            asn=region.asn,
            local=wiring.address(fabric, name),
            remote=wiring.address(fabric, l4),
            exports="none",
        )
        for l4 in l4_names(region)
    )
    own = topology.anycast.prefix
    elsewhere = tuple((p, 1) for p in other_prefixes(topology, region.prefix))
    learns = tuple((p, region.l4 if p == own else n) for p, n in elsewhere)
    loopback = router_address(region.prefix)
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
            peers=(transit, *balancers),
            learns=learns,
            timers=topology.timers,
        ),
    )


def _services(topology: Topology, region: Region) -> tuple[IPv4Address, ...]:
    return (region.address, topology.anycast.address)


def _l4(
    topology: Topology, region: Region, wiring: Wiring, place: Place, name: str
) -> Node:
    address = wiring.address(place.lan, name)
    edge = bird.Peer(
        name=place.router,
        asn=region.asn,
        local=address,
        remote=wiring.address(place.lan, place.router),
        exports="static",
        imports=False,
    )
    l7 = tuple((n, wiring.address(place.lan, n)) for n in l7_names(region))
    announce = topology.announce_of(region.name)
    looks = announcer.looks(
        announce.depth, region.l4_kind, region.address, tuple(a for _, a in l7)
    )
    announcing = bird.announcing(
        name,
        asn=region.asn,
        router_id=address,
        anycast=topology.anycast.prefix,
        unicast=region.address,
        peer=edge,
        timers=topology.timers,
        announcer=announcer.processes(announce, looks),
    )
    services = _services(topology, region)
    # Stopped in reverse: what announces goes before what serves.
    if region.l4_kind is L4Kind.PROXY:
        proxy = envoy.render_l4(name, services, l7, region.l4_hash)
        return host_node(
            name,
            role=Role.L4,
            stem="l4",
            place=place,
            wiring=wiring,
            loopbacks=services,
            rendered=joined(proxy, announcing),
            sysctls=BALANCER_SYSCTLS,
        )
    marked = {n: (mark, a) for mark, (n, a) in enumerate(l7, start=1)}
    steering = nftables.render(name, services, marked, region.l4_hash)
    return forwarding(
        host_node(
            name,
            role=Role.L4,
            stem="nftables",
            place=place,
            wiring=wiring,
            loopbacks=(),
            rendered=joined(steering, announcing),
        ),
        marked.values(),
    )

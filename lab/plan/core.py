"""The nodes outside the regions: transits, their servers, access networks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network

from lab.plan.global_l4 import global_l4_node
from lab.plan.links import (
    Wiring,
    edge_names,
    lan_name,
    servers_at,
    uplink_names,
)
from lab.plan.model import Node, Role
from lab.plan.nodes import (
    CLIENT_SYSCTLS,
    Place,
    host_node,
    other_prefixes,
    router_address,
    router_node,
)
from lab.render import bird, clients
from lab.render.model import Rendered
from lab.render.registry import PARENTS, PROVIDERS, RESOLVERS
from lab.topology.model import (
    Access,
    Parent,
    Provider,
    Resolver,
    Topology,
    Transit,
)

#: A transit that peers prefers whom it sells to before whom it shares with before those
#: at the end of a link, as is usual (L. Gao and J. Rexford, 2001).
_SOLD, _SHARED = 200, 150


def transit_nodes(
    topology: Topology, transit: Transit, wiring: Wiring
) -> Iterator[Node]:
    """Yield a transit's router and the servers attached to it."""
    yield _transit_router(topology, transit, wiring)
    place = Place(site=transit.name, lan=lan_name(transit), router=transit.name)
    for parent in topology.zone.parents:
        if parent.transit == transit.name:
            rendered = PARENTS[parent.daemon](topology, parent)
            yield _server(Role.PARENT, parent, rendered, place, wiring)
    for provider in topology.zone.providers:
        if provider.transit == transit.name:
            rendered = PROVIDERS[provider.daemon](topology, provider)
            yield _server(Role.PROVIDER, provider, rendered, place, wiring)
    for resolver in topology.public_resolvers:
        if resolver.transit == transit.name:
            yield _resolver(topology, resolver, place, wiring)
    if topology.global_l4 and topology.global_l4.transit == transit.name:
        yield global_l4_node(topology, topology.global_l4, place, wiring)


def access_nodes(topology: Topology, access: Access, wiring: Wiring) -> Iterator[Node]:
    """Yield an access network's router, its resolvers and its clients."""
    yield _access_router(topology, access, wiring)
    place = Place(site=access.name, lan=lan_name(access), router=access.name)
    for resolver in access.resolvers:
        yield _resolver(topology, resolver, place, wiring)
    yield host_node(
        access.clients.name,
        role=Role.CLIENTS,
        stem="clients",
        place=place,
        wiring=wiring,
        loopbacks=access.clients.addresses,
        rendered=clients.render(topology, access),
        sysctls=CLIENT_SYSCTLS,
    )


def _server(
    role: Role,
    server: Parent | Provider,
    rendered: Rendered,
    place: Place,
    wiring: Wiring,
) -> Node:
    if role is Role.PROVIDER:  # what it carries is captured
        rendered = replace(rendered, capabilities=(*rendered.capabilities, "NET_RAW"))
    return host_node(
        server.name,
        role=role,
        stem=server.daemon,
        place=place,
        wiring=wiring,
        loopbacks=(server.address,),
        rendered=rendered,
    )


def _resolver(
    topology: Topology, resolver: Resolver, place: Place, wiring: Wiring
) -> Node:
    return host_node(
        resolver.name,
        role=Role.RESOLVER,
        stem=resolver.daemon,
        place=place,
        wiring=wiring,
        loopbacks=(resolver.address,),
        rendered=RESOLVERS[resolver.daemon](topology, resolver),
    )


def _transit_router(topology: Topology, transit: Transit, wiring: Wiring) -> Node:
    loopback = router_address(transit.prefix)
    servers = servers_at(topology, transit.name)
    lan = lan_name(transit)
    peers = tuple(_neighbours(topology, transit, wiring))
    return router_node(
        transit.name,
        role=Role.TRANSIT,
        site=transit.name,
        wiring=wiring,
        loopback=loopback,
        boundary=tuple(x.name for x in wiring.links if transit.name in x.members),
        rendered=bird.router(
            transit.name,
            asn=transit.asn,
            router_id=loopback,
            aggregate=transit.prefix,
            hosts=tuple((a, wiring.address(lan, name)) for name, a in servers),
            peers=peers,
            learns=tuple(_learned(topology, transit)),
            timers=topology.timers,
        ),
    )


def _learned(topology: Topology, transit: Transit) -> Iterator[tuple[IPv4Network, int]]:
    """Yield every other prefix, and over how many edges of a region it is reached."""
    edges = {r.prefix: r.uplinks.count(transit.name) for r in topology.regions}
    edges[topology.anycast.prefix] = max(edges.values())
    for prefix in other_prefixes(topology, transit.prefix):
        yield prefix, max(1, edges.get(prefix, 1))


def _neighbours(
    topology: Topology, transit: Transit, wiring: Wiring
) -> Iterator[bird.Peer]:
    me = transit.name
    asns = {t.name: t.asn for t in topology.transits}
    attached = tuple(_attached(topology, me))
    exchanges = tuple(x for x in topology.ixps if me in x.members)
    for router, uplink, asn in attached:
        peer = _peer(uplink, me, router, asn, wiring)
        yield replace(peer, preference=_SOLD if exchanges else 0)
    for link in topology.links:
        if me in link.between:
            other = next(t for t in link.between if t != me)
            yield _peer(link.name, me, other, asns[other], wiring)
    customers = tuple(dict.fromkeys(asn for _, _, asn in attached))
    for exchange in exchanges:
        for other in (member for member in exchange.members if member != me):
            yield replace(
                _peer(exchange.name, me, other, asns[other], wiring),
                exports="customers",
                customers=customers,
                preference=_SHARED,
            )


def _attached(topology: Topology, transit: str) -> Iterator[tuple[str, str, int]]:
    """Yield (router, uplink, AS) of what hangs on a transit."""
    for region in topology.regions:
        edges, uplinks = edge_names(region), uplink_names(region)
        for edge, uplink, above in zip(edges, uplinks, region.uplinks, strict=True):
            if above == transit:
                yield edge, uplink, region.asn
    for access in topology.access:
        if access.transit == transit:
            yield access.name, uplink_names(access)[0], access.asn


def _access_router(topology: Topology, access: Access, wiring: Wiring) -> Node:
    loopback = router_address(access.prefix)
    (uplink,), lan, users = uplink_names(access), lan_name(access), access.clients
    asn = next(t.asn for t in topology.transits if t.name == access.transit)
    behind = (
        *((r.address, wiring.address(lan, r.name)) for r in access.resolvers),
        *((a, wiring.address(lan, users.name)) for a in users.addresses),
    )
    return router_node(
        access.name,
        role=Role.ACCESS,
        site=access.name,
        wiring=wiring,
        loopback=loopback,
        boundary=(uplink,),
        rendered=bird.router(
            access.name,
            asn=access.asn,
            router_id=loopback,
            aggregate=access.prefix,
            hosts=behind,
            peers=(_peer(uplink, access.name, access.transit, asn, wiring),),
            learns=tuple((p, 1) for p in other_prefixes(topology, access.prefix)),
            timers=topology.timers,
        ),
    )


def _peer(link: str, here: str, there: str, asn: int, wiring: Wiring) -> bird.Peer:
    return bird.Peer(
        name=there,
        asn=asn,
        local=wiring.address(link, here),
        remote=wiring.address(link, there),
        exports="all",
    )

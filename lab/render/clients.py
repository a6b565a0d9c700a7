"""A client node: no daemon; agents are started in it, and its journeys are checked."""

from __future__ import annotations

from lab.plan.model import Condition
from lab.render.authority import region_when_well
from lab.render.model import Rendered
from lab.render.resolver import authorities_settled
from lab.topology.geography import Site, seen_from, site_of
from lab.topology.model import Access, Resolver, Topology


def render(topology: Topology, access: Access) -> Rendered:
    """Return a node from which every name leads to a good reply by every resolver."""
    zone = topology.zone
    resolvers = (*access.resolvers, *topology.public_resolvers)
    conditions = tuple(
        Condition(
            text=f"good replies for every name by way of {resolver.name}",
            kind="journey",
            args={
                "resolvers": {resolver.name: str(resolver.address)},
                "names": [f"{n.name}.{zone.name}" for n in zone.names],
                "regions": _regions(topology, resolver, access),
                "after": authorities_settled(
                    topology, *_seen_from(topology, resolver, access)
                ),
            },
        )
        for resolver in resolvers
    )
    return Rendered(
        files=(),
        processes=(),
        conditions=conditions,
        tmpfs=(),
        capabilities=("NET_RAW",),  # packet capture
        memory_mb=512,
    )


def _seen_from(
    topology: Topology, resolver: Resolver, access: Access
) -> tuple[Site, ...]:
    """Return the networks that questions to a resolver may seem to be from."""
    site = seen_from(topology, resolver, access)
    return (site,) if site else (access, site_of(topology, resolver.address))


def _regions(topology: Topology, resolver: Resolver, access: Access) -> dict[str, str]:
    """Return the region that must reply, of each name with which only one may."""
    site = seen_from(topology, resolver, access)
    if site is None:
        return {}
    found = (
        (f"{name.name}.{topology.zone.name}", region_when_well(topology, name, site))
        for name in topology.zone.names
    )
    return {name: region for name, region in found if region}

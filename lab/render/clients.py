"""A client node: no daemon; agents are started in it, and its journeys are checked."""

from __future__ import annotations

from lab.plan.model import Condition
from lab.render.model import Rendered
from lab.render.resolver import authorities_settled
from lab.topology.model import Access, Failover, Topology


def render(topology: Topology, access: Access) -> Rendered:
    """Return a node from which every name leads to a good reply by every resolver."""
    zone = topology.zone
    resolvers = (*access.resolvers, *topology.public_resolvers)
    primary = {
        f"{n.name}.{zone.name}": n.regions[0]
        for n in zone.names
        if isinstance(n, Failover)
    }
    conditions = tuple(
        Condition(
            text=f"good replies for every name by way of {resolver.name}",
            kind="journey",
            args={
                "resolvers": {resolver.name: str(resolver.address)},
                "names": [f"{n.name}.{zone.name}" for n in zone.names],
                "regions": primary,
                "after": authorities_settled(topology),
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

"""What every brand of resolver has in common: when it counts as ready."""

from __future__ import annotations

from lab.plan.model import Condition
from lab.render.zones import region_address
from lab.topology.model import Failover, Resolver, Topology


def authorities_settled(topology: Topology) -> list[dict[str, object]]:
    """Return what every provider must answer before a resolver may be asked.

    The primary of each health-checked name: asked earlier, a resolver would keep the
    answer of checks that have not settled for as long as it caches.
    """
    zone = topology.zone
    return [
        {
            "server": str(provider.address),
            "name": f"{name.name}.{zone.name}",
            "expect": [region_address(topology, name.regions[0])],
        }
        for provider in zone.providers
        for name in zone.names
        if isinstance(name, Failover)
    ]


def resolves(topology: Topology, resolver: Resolver) -> tuple[Condition, ...]:
    """Return a condition per served name: resolved through the real delegation."""
    return tuple(
        Condition(
            text=f"resolves {name.name}.{topology.zone.name}",
            kind="dns",
            args={
                "server": str(resolver.address),
                "name": f"{name.name}.{topology.zone.name}",
                "after": authorities_settled(topology),
            },
        )
        for name in topology.zone.names
    )

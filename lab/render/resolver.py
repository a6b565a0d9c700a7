"""What every brand of resolver has in common: when it counts as ready."""

from __future__ import annotations

from lab.plan.model import Condition
from lab.topology.model import Resolver, Topology


def resolves(topology: Topology, resolver: Resolver) -> tuple[Condition, ...]:
    """Return a condition per served name: resolved through the real delegation."""
    return tuple(
        Condition(
            text=f"resolves {name.name}.{topology.zone.name}",
            kind="dns",
            args={
                "server": str(resolver.address),
                "name": f"{name.name}.{topology.zone.name}",
            },
        )
        for name in topology.zone.names
    )

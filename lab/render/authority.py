"""What both brands of DNS provider have in common."""

from __future__ import annotations

from dataclasses import dataclass

from lab.plan.model import Condition
from lab.render.zones import region_address
from lab.topology.model import Failover, Provider, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One resource record of the steered zone, in the brand's own words."""

    name: str
    type: str
    data: str
    ttl: str = ""


def answers(topology: Topology, provider: Provider) -> tuple[Condition, ...]:
    """Return a condition per served name; a failover name must give its primary.

    That also asks each health-checked name for the first time, which is what makes
    PowerDNS begin to check it, and waits until its checks have settled.
    """

    def args(name: str, expect: list[str]) -> dict[str, object]:
        return {"server": str(provider.address), "name": name, "expect": expect}

    zone = topology.zone
    return tuple(
        Condition(
            text=f"serves {name.name}.{zone.name}, health checks settled",
            kind="dns",
            args=args(
                f"{name.name}.{zone.name}",
                [region_address(topology, name.regions[0])]
                if isinstance(name, Failover)
                else [],
            ),
        )
        for name in zone.names
    )

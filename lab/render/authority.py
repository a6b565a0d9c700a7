"""What both brands of DNS provider have in common."""

from __future__ import annotations

from dataclasses import dataclass

from lab.plan.model import Condition
from lab.render.zones import region_address
from lab.topology.geography import Site, preferred, site_of
from lab.topology.model import Failover, Geo, Provider, ServedName, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One resource record of the steered zone, in the brand's own words."""

    name: str
    type: str
    data: str
    ttl: int | str


def region_when_well(topology: Topology, name: ServedName, site: Site) -> str:
    """Return the one region that a network is sent to when nothing is down, or "".

    Not where an answer holds the anycast address, too: then routes have a say.
    """
    match name:
        case Failover():
            return name.regions[0]
        case Geo(anycast=True):
            return ""
        case Geo() if site.location is not None:
            return preferred(topology, name, site)[0]
    return ""


def addresses_when_well(topology: Topology, name: ServedName, site: Site) -> list[str]:
    """Return the only addresses that a network may be given when nothing is down.

    None for a policy that gives now this one and now that.
    """
    if isinstance(name, Geo) and name.anycast and site.location is not None:
        nearest = preferred(topology, name, site)[0]
        return [region_address(topology, nearest), str(topology.anycast.address)]
    region = region_when_well(topology, name, site)
    return [region_address(topology, region)] if region else []


def answers(topology: Topology, provider: Provider) -> tuple[Condition, ...]:
    """Return a condition per served name, asked by the provider itself.

    That also asks each health-checked name for the first time, which is what makes
    PowerDNS begin to check it, and waits until its checks have settled.
    """
    zone, site = topology.zone, site_of(topology, provider.address)
    return tuple(
        Condition(
            text=f"serves {name.name}.{zone.name}, health checks settled",
            kind="dns",
            args={
                "server": str(provider.address),
                "name": f"{name.name}.{zone.name}",
                "expect": addresses_when_well(topology, name, site),
            },
        )
        for name in zone.names
    )

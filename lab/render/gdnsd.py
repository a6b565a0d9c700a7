"""gdnsd: steering in plugins.

Source: gdnsd.config(5), gdnsd-plugin-metafo(8), -weighted(8), -geoip(8) of gdnsd 3.8.
"""

from __future__ import annotations

from typing import Any

from lab.plan.model import Condition, File, Process
from lab.render.authority import Record, answers
from lab.render.model import Rendered
from lab.render.templates import fill
from lab.render.zones import networks, provider_servers, region_address
from lab.topology.model import (
    AnycastName,
    Failover,
    Geo,
    Provider,
    RoundRobin,
    ServedName,
    Topology,
    Weighted,
)

FOLDER = "/etc/lab/gdnsd"


def render(topology: Topology, provider: Provider) -> Rendered:
    """Return an authoritative server of the steered zone."""
    names = topology.zone.names
    config = fill(
        "gdnsd/config.j2",
        name=provider.name,
        address=provider.address,
        ttl_s=topology.timers.ttl_s,
        check=topology.timers.check,
        failovers=[_failover(topology, n) for n in names if isinstance(n, Failover)],
        weighteds=[_weighted(topology, n) for n in names if isinstance(n, Weighted)],
        geos=[_geo(topology, n) for n in names if isinstance(n, Geo)],
    )
    zone = fill(
        "gdnsd/steered.zone.j2",
        zone=topology.zone.name,
        ttl_s=topology.timers.ttl_s,
        providers=provider_servers(topology),
        records=[r for n in names for r in _records(topology, n)],
    )
    states = ("gdnsdctl", "-c", FOLDER, "states")
    monitors = Condition(
        text="every health monitor settled and up",
        kind="gdnsd",
        args={"argv": list(states)},
    )
    return Rendered(
        files=(
            File(path=f"{FOLDER}/config", text=config),
            File(path=f"{FOLDER}/zones/{topology.zone.name}", text=zone),
        ),
        processes=(Process(name="gdnsd", argv=("gdnsd", "-c", FOLDER, "start")),),
        conditions=(monitors, *answers(topology, provider)),
    )


def _records(topology: Topology, name: ServedName) -> tuple[Record, ...]:
    ttl = str(topology.timers.ttl_s)
    match name:
        case RoundRobin():
            addresses = (region_address(topology, r) for r in name.regions)
            return tuple(
                Record(name=name.name, ttl=ttl, type="A", data=a) for a in addresses
            )
        case AnycastName():
            address = str(topology.anycast.address)
            return (Record(name=name.name, ttl=ttl, type="A", data=address),)
        case Weighted():
            plugin = "weighted"
        case Geo():
            plugin = "geoip"
        case Failover():
            plugin = "metafo"
    # The least TTL equals the greatest: else gdnsd shortens it before a health change.
    data = f"{plugin}!{name.name}"
    return (Record(name=name.name, ttl=f"{ttl}/{ttl}", type="DYNA", data=data),)


def _addresses(
    topology: Topology, regions: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    return tuple((r, region_address(topology, r)) for r in regions)


def _failover(topology: Topology, name: Failover) -> dict[str, Any]:
    addresses = _addresses(topology, name.regions)
    return {"name": name.name, "regions": name.regions, "addresses": addresses}


def _weighted(topology: Topology, name: Weighted) -> dict[str, Any]:
    choices = [
        (region, region_address(topology, region), weight)
        for region, weight in name.weights.items()
    ]
    return {"name": name.name, "choices": choices}


def _geo(topology: Topology, name: Geo) -> dict[str, Any]:
    regions = tuple(dict.fromkeys(name.nearest.values()))
    return {
        "name": name.name,
        "regions": regions,
        "addresses": _addresses(topology, regions),
        "nets": [(networks(topology, s), r) for s, r in name.nearest.items()],
    }

"""gdnsd: steering in plugins.

With every datacenter down, `metafo` and `geoip` answer with the first one's addresses.
Each checked name therefore has a last datacenter that nothing checks. It holds the
addresses of all, or, where the answer is to be empty, nothing of the family asked for:
one address of the discard-only prefix (RFC 6666), as gdnsd allows none without any.

Source: gdnsd.config(5), gdnsd-plugin-metafo(8), -weighted(8), -geoip(8) of gdnsd 3.8.
"""

from __future__ import annotations

from typing import Any, Final

from lab.plan.model import Condition, File, Process
from lab.render.authority import Record, answers
from lab.render.geography import database_file
from lab.render.model import Rendered
from lab.render.templates import fill
from lab.render.zones import global_l4_address, provider_servers, region_address
from lab.topology.model import (
    AllDown,
    AnycastName,
    Failover,
    Geo,
    GlobalL4Name,
    HybridName,
    Provider,
    RoundRobin,
    ServedName,
    Topology,
    Weighted,
)
from lab.topology.timers import Check

FOLDER = "/etc/lab/gdnsd"
GEOGRAPHY = f"{FOLDER}/geography.mmdb"
#: Service type of what is not checked.
_ALWAYS_UP: Final = "up"
_NOWHERE: Final = (("DISCARD", "100::1"),)


def render(topology: Topology, provider: Provider) -> Rendered:
    """Return an authoritative server of the steered zone."""
    names = topology.zone.names
    geos = [n for n in names if isinstance(n, Geo)]
    config = fill(
        "gdnsd/config.j2",
        name=provider.name,
        address=provider.address,
        ttl_s=topology.timers.ttl_s,
        services={_service(n): _checked(topology, n) for n in topology.checked_names},
        failovers=[_failover(topology, n) for n in topology.checked_names],
        weighteds=[_weighted(topology, n) for n in names if isinstance(n, Weighted)],
        geos=[_geo(topology, n) for n in geos],
        geography=GEOGRAPHY,
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
            *((database_file(topology, GEOGRAPHY),) if geos else ()),
        ),
        processes=(Process(name="gdnsd", argv=("gdnsd", "-c", FOLDER, "start")),),
        conditions=(
            *((monitors,) if topology.checked_names else ()),
            *answers(topology, provider),
        ),
    )


def _records(topology: Topology, name: ServedName) -> tuple[Record, ...]:
    ttl_s = topology.ttl_s(name.name)

    def record(address: object) -> Record:
        return Record(name=name.name, ttl=ttl_s, type="A", data=str(address))

    match name:
        case RoundRobin():
            return tuple(record(region_address(topology, r)) for r in name.regions)
        case AnycastName():
            return (record(topology.anycast.address),)
        case GlobalL4Name():
            return (record(global_l4_address(topology)),)
        case HybridName():
            return (record(topology.hybrid(name.hybrid).address),)
        case Weighted():
            plugin = "weighted"
        case Geo():
            plugin = "metafo" if name.failover else "geoip"
        case Failover():
            plugin = "metafo"
    # The least TTL equals the greatest: else gdnsd shortens it before a health change.
    data, ttl = f"{plugin}!{name.name}", f"{ttl_s}/{ttl_s}"
    return (Record(name=name.name, ttl=ttl, type="DYNA", data=data),)


def _addresses(
    topology: Topology, regions: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    return tuple((r, region_address(topology, r)) for r in regions)


def _failover(topology: Topology, name: Failover | Geo) -> dict[str, Any]:
    addresses = _addresses(topology, name.regions)
    everything = (*addresses, *_beside(topology, name))
    first = (
        addresses
        if isinstance(name, Failover)
        else (("NEAREST", f"%geoip!{name.name}"),)
    )
    return {
        "name": name.name,
        "service": _service(name),
        "datacenters": first,
        "fallback": everything if name.all_down is AllDown.FAIL_OPEN else _NOWHERE,
    }


def _beside(topology: Topology, name: Failover | Geo) -> tuple[tuple[str, str], ...]:
    """Return what every answer holds beside a region's address."""
    if isinstance(name, Geo) and name.anycast:
        return (("ANYCAST", str(topology.anycast.address)),)
    return ()


def _service(name: Failover | Geo) -> str:
    """Return the service type of a name: a probe, and how many failures count."""
    own = isinstance(name, Failover) and name.threshold
    return f"{name.probe}-{own}" if own else name.probe.value


def _checked(topology: Topology, name: Failover | Geo) -> tuple[str, Check]:
    return name.probe.value, topology.check_of(name.name)


def _weighted(topology: Topology, name: Weighted) -> dict[str, Any]:
    choices = [
        (region, region_address(topology, region), weight)
        for region, weight in name.weights.items()
    ]
    return {"name": name.name, "choices": choices}


def _geo(topology: Topology, name: Geo) -> dict[str, Any]:
    places = ((r, topology.region(r).location) for r in name.regions)
    return {
        "name": name.name,
        "probe": name.probe if name.failover else _ALWAYS_UP,
        "places": [(region, place.lat, place.lon) for region, place in places if place],
        "addresses": _addresses(topology, name.regions),
        "beside": _beside(topology, name),
    }

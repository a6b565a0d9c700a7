"""PowerDNS Authoritative Server: steering in Lua records.

PowerDNS 4.9 declares an address down at its first failed check: `minimumFailures`
exists in later versions only, so `check.threshold` has no effect on this brand.

Source: the manual of PowerDNS Authoritative Server 4.9, "Lua Records", "GeoIP backend".
"""

from __future__ import annotations

import re

from lab.plan.model import Condition, File, Process
from lab.render.authority import Record, answers
from lab.render.geography import database_file, needs_geography
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

FOLDER = "/etc/lab/pdns"
GEOGRAPHY = f"{FOLDER}/geography.mmdb"
#: What PowerDNS logs when a check changes its mind, for one address.
DECLARED = r"declaring {} (UP|DOWN) for URL"


def render(topology: Topology, provider: Provider) -> Rendered:
    """Return an authoritative server of the steered zone."""
    timers, zone = topology.timers, topology.zone.name
    config = fill(
        "pdns/pdns.conf.j2",
        name=provider.name,
        address=provider.address,
        interval_s=timers.check.interval_s,
        geography=GEOGRAPHY if needs_geography(topology) else "",
    )
    records = fill(
        "pdns/steered.zone.j2",
        zone=zone,
        ttl_s=timers.ttl_s,
        providers=provider_servers(topology),
        records=[r for n in topology.zone.names for r in _records(topology, n)],
    )
    argv = ("pdns_server", f"--config-dir={FOLDER}")
    return Rendered(
        files=(
            File(path=f"{FOLDER}/pdns.conf", text=config),
            File(
                path=f"{FOLDER}/named.conf", text=fill("pdns/named.conf.j2", zone=zone)
            ),
            File(path=f"{FOLDER}/steered.zone", text=records),
            *(
                (database_file(topology, GEOGRAPHY),)
                if needs_geography(topology)
                else ()
            ),
        ),
        processes=(Process(name="pdns", argv=argv),),
        conditions=(*answers(topology, provider), *_settled(topology)),
        memory_mb=256,
    )


def _settled(topology: Topology) -> tuple[Condition, ...]:
    """Every check declared its region up: before that its state is a guess."""
    return tuple(
        Condition(
            text=f"health check of {region} for {name.name} settled and up",
            kind="said",
            args={
                "process": "pdns",
                "pattern": DECLARED.format(region_address(topology, region))
                + f" {re.escape(_url(topology, name))}[!,]",
                "want": "UP",
            },
        )
        for name in topology.checked_names
        for region in name.regions
    )


def _records(topology: Topology, name: ServedName) -> tuple[Record, ...]:
    def record(kind: str, data: str) -> Record:
        ttl_s = topology.ttl_s(name.name)
        return Record(name=name.name, ttl=ttl_s, type=kind, data=data)

    match name:
        case RoundRobin():
            addresses = (region_address(topology, r) for r in name.regions)
            return tuple(record("A", a) for a in addresses)
        case AnycastName():
            return (record("A", str(topology.anycast.address)),)
        case GlobalL4Name():
            return (record("A", global_l4_address(topology)),)
        case HybridName():
            return (record("A", str(topology.hybrid(name.hybrid).address)),)
        case Weighted():
            expression = _weighted(topology, name)
        case Geo():
            expression = _geo(topology, name)
        case Failover():
            expression = _failover(topology, name)
    return (record("LUA", f'A "{expression}"'),)


def _weighted(topology: Topology, name: Weighted) -> str:
    choices = ", ".join(
        f"{{{weight}, '{region_address(topology, region)}'}}"
        for region, weight in name.weights.items()
    )
    return f"pickwrandom({{{choices}}})"


def _geo(topology: Topology, name: Geo) -> str:
    if name.failover:
        return _checked(topology, name, _addresses(topology, name), "pickclosest")
    return f"pickclosest({{{_addresses(topology, name)}}})"


def _failover(topology: Topology, name: Failover) -> str:
    groups = (f"{{'{region_address(topology, r)}'}}" for r in name.regions)
    return _checked(topology, name, ", ".join(groups), "all")


def _addresses(topology: Topology, name: Geo) -> str:
    return ", ".join(f"'{region_address(topology, r)}'" for r in name.regions)


def _checked(
    topology: Topology, name: Failover | Geo, addresses: str, selector: str
) -> str:
    # With nothing up, or nothing checked yet, all addresses: one picked at random
    # would look like an answer of checks that have settled.
    timeout_s = topology.timers.check.timeout_s
    options = f"{{timeout={timeout_s}, selector='{selector}', backupSelector='all'}}"
    answer = f"ifurlup('{_url(topology, name)}', {{{addresses}}}, {options})"
    then = ""
    if name.all_down is AllDown.EMPTY:
        # No selector gives nothing. Only the backup selector gives more than one.
        then += " if #up > 1 then return {} end"
    if isinstance(name, Geo) and name.anycast:
        then += f" up[#up + 1] = '{topology.anycast.address}'"
    return f";local up = {answer}{then} return up" if then else answer


def _url(topology: Topology, name: Failover | Geo) -> str:
    """Return what is checked; the log tells checks of two names apart by it."""
    return f"http://{name.name}.{topology.zone.name}/{name.probe}"

"""PowerDNS Authoritative Server: steering in Lua records.

PowerDNS 4.9 declares an address down at its first failed check: `minimumFailures`
exists in later versions only, so `check.threshold` has no effect on this brand.

Source: the manual of PowerDNS Authoritative Server 4.9, "Lua Records".
"""

from __future__ import annotations

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

FOLDER = "/etc/lab/pdns"
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
        ),
        processes=(Process(name="pdns", argv=argv),),
        conditions=(*answers(topology, provider), *_settled(topology)),
        memory_mb=256,
    )


def _settled(topology: Topology) -> tuple[Condition, ...]:
    """Every checked region was declared up: before that its state is a guess."""
    names = [n for n in topology.zone.names if isinstance(n, Failover)]
    regions = dict.fromkeys(r for n in names for r in n.regions)
    return tuple(
        Condition(
            text=f"health check of {region} settled and up",
            kind="said",
            args={
                "process": "pdns",
                "pattern": DECLARED.format(region_address(topology, region)),
                "want": "UP",
            },
        )
        for region in regions
    )


def _records(topology: Topology, name: ServedName) -> tuple[Record, ...]:
    match name:
        case RoundRobin():
            addresses = (region_address(topology, r) for r in name.regions)
            return tuple(Record(name=name.name, type="A", data=a) for a in addresses)
        case AnycastName():
            address = str(topology.anycast.address)
            return (Record(name=name.name, type="A", data=address),)
        case Weighted():
            return (_lua(name.name, _weighted(topology, name)),)
        case Geo():
            return (_lua(name.name, _geo(topology, name)),)
        case Failover():
            return (_lua(name.name, _failover(topology, name)),)


def _lua(name: str, expression: str) -> Record:
    return Record(name=name, type="LUA", data=f'A "{expression}"')


def _weighted(topology: Topology, name: Weighted) -> str:
    choices = ", ".join(
        f"{{{weight}, '{region_address(topology, region)}'}}"
        for region, weight in name.weights.items()
    )
    return f"pickwrandom({{{choices}}})"


def _geo(topology: Topology, name: Geo) -> str:
    nearest = [(networks(topology, s), r) for s, r in name.nearest.items()]
    # Without an entry for everybody else they get an error; gdnsd's default is this.
    nearest.append(("0.0.0.0/0", next(iter(name.nearest.values()))))
    views = (
        f"{{{{'{network}'}}, {{'{region_address(topology, region)}'}}}}"
        for network, region in nearest
    )
    return f"view({{{', '.join(views)}}})"


def _failover(topology: Topology, name: Failover) -> str:
    groups = ", ".join(f"{{'{region_address(topology, r)}'}}" for r in name.regions)
    url = f"http://{name.name}.{topology.zone.name}/deep"
    timeout = topology.timers.check.timeout_s
    # With nothing up, or nothing checked yet, all addresses: one picked at random
    # would look like an answer of checks that have settled.
    options = f"{{timeout={timeout}, backupSelector='all'}}"
    return f"ifurlup('{url}', {{{groups}}}, {options})"

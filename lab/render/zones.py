"""What the DNS daemons' configurations have in common: names, delegation, hints."""

from __future__ import annotations

from lab.topology.model import Parent, Topology

#: The lab's own servers of the root and top-level domains have their names in here;
#: it is a part of the root zone, so their addresses come with it.
SERVERS_DOMAIN = "servers.lab."


def zone_name(zone: str) -> str:
    """Return a zone's name as an absolute one (`.`, `com.`, `example.com.`)."""
    return zone if zone == "." else zone.rstrip(".") + "."


def parent_server_name(parent: Parent) -> str:
    """Return the host name of a parent zone's server."""
    return f"{parent.name}.{SERVERS_DOMAIN}"


def provider_servers(topology: Topology) -> tuple[tuple[str, str], ...]:
    """Return (host name, address) of the steered zone's authoritative servers."""
    zone = zone_name(topology.zone.name)
    providers = topology.zone.providers
    return tuple((f"{p.name}.{zone}", str(p.address)) for p in providers)


def delegations(
    topology: Topology, parent: Parent
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return (child zone, its servers) of every zone that `parent` delegates."""
    zones = {zone_name(p.zone): p for p in topology.zone.parents}
    children: list[tuple[str, tuple[tuple[str, str], ...]]] = [
        (zone, ((parent_server_name(p), str(p.address)),))
        for zone, p in zones.items()
        if zone != "."
    ]
    children.append((zone_name(topology.zone.name), provider_servers(topology)))
    own = zone_name(parent.zone)
    return tuple(
        (zone, servers)
        for zone, servers in children
        if _enclosing(zone, tuple(zones)) == own
    )


def _enclosing(zone: str, zones: tuple[str, ...]) -> str:
    above = [z for z in zones if z != zone and (z == "." or zone.endswith("." + z))]
    return max(above, key=len, default="")


def root_hints(topology: Topology) -> str:
    """Return the hints file of a resolver: where the lab's root is."""
    roots = [p for p in topology.zone.parents if p.zone == "."]
    lines = (
        f". 3600000 IN NS {parent_server_name(p)}\n"
        f"{parent_server_name(p)} 3600000 IN A {p.address}\n"
        for p in roots
    )
    return "".join(lines)


def region_address(topology: Topology, region: str) -> str:
    """Return a region's service address as text."""
    return str(topology.region(region).address)


def global_l4_address(topology: Topology) -> str:
    """Return the address of the balancer in front of the regions, as text.

    Raises:
        ValueError: There is none; rules see to it that no name leads there.
    """
    if topology.global_l4 is None:
        raise ValueError(f"{topology.name} has no balancer in front of its regions")
    return str(topology.global_l4.address)

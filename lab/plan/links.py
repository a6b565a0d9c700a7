"""Which links a topology has, and the address of every node on them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from lab.plan.model import Interface, Link
from lab.topology.front import GlobalL4
from lab.topology.model import (
    Access,
    Parent,
    Provider,
    PublicResolver,
    Region,
    Topology,
    Transit,
)

#: A link of 62 addresses holds the largest region (4 edges, 8 + 8 balancers, 16
#: backends) and the largest exchange.
LINK_PREFIX_LENGTH = 26
#: Where links live unless somebody picks better: the same in every export.
DEFAULT_SPACE = IPv4Network("10.213.0.0/16")


def edge_names(region: Region) -> tuple[str, ...]:
    """Return the names of a region's edge routers."""
    return _numbered(f"{region.name}-edge", region.edges)


def l4_names(region: Region) -> tuple[str, ...]:
    """Return the names of a region's L4 nodes."""
    return tuple(f"{region.name}-l4-{i + 1}" for i in range(region.l4))


def l7_names(region: Region) -> tuple[str, ...]:
    """Return the names of a region's L7 nodes."""
    return tuple(f"{region.name}-l7-{i + 1}" for i in range(region.l7))


def backend_names(region: Region) -> tuple[str, ...]:
    """Return the names of a region's backends."""
    return tuple(f"{region.name}-be-{i + 1}" for i in range(len(region.backends)))


def fabric_name(region: Region) -> str:
    """Return the name of the LAN inside a region."""
    return f"{region.name}-fabric"


def uplink_names(site: Region | Access) -> tuple[str, ...]:
    """Return the names of the links between a site's routers and their transits."""
    routers = site.edges if isinstance(site, Region) else 1
    return _numbered(f"{site.name}-uplink", routers)


def _numbered(name: str, count: int) -> tuple[str, ...]:
    """Return names of things that are numbered where there are several."""
    return (name,) if count == 1 else tuple(f"{name}-{i + 1}" for i in range(count))


def lan_name(site: Access | Transit) -> str:
    """Return the name of the LAN of an access network or of a transit's servers."""
    return f"{site.name}-lan"


def servers_at(topology: Topology, transit: str) -> tuple[tuple[str, IPv4Address], ...]:
    """Return (name, address) of the servers attached to a transit."""
    zone = topology.zone
    in_front = (topology.global_l4,) if topology.global_l4 else ()
    servers: tuple[Parent | Provider | PublicResolver | GlobalL4, ...] = (
        *zone.parents,
        *zone.providers,
        *topology.public_resolvers,
        *in_front,
    )
    return tuple((s.name, s.address) for s in servers if s.transit == transit)


def _members(topology: Topology) -> Iterator[tuple[str, tuple[str, ...]]]:
    for region in topology.regions:
        inside = (*l4_names(region), *l7_names(region), *backend_names(region))
        edges, uplinks = edge_names(region), uplink_names(region)
        yield fabric_name(region), (*edges, *inside)
        for name, *ends in zip(uplinks, region.uplinks, edges, strict=True):
            yield name, tuple(ends)
    for access in topology.access:
        resolvers = tuple(r.name for r in access.resolvers)
        yield lan_name(access), (access.name, *resolvers, access.clients.name)
        (uplink,) = uplink_names(access)
        yield uplink, (access.transit, access.name)
    for transit in topology.transits:
        servers = tuple(name for name, _ in servers_at(topology, transit.name))
        if servers:
            yield lan_name(transit), (transit.name, *servers)
    for link in topology.links:
        yield link.name, link.between
    for exchange in topology.ixps:
        yield exchange.name, exchange.members


def link_count(topology: Topology) -> int:
    """Return how many subnets a topology needs."""
    return sum(1 for _ in _members(topology))


def default_subnets(topology: Topology) -> tuple[IPv4Network, ...]:
    """Return the first subnets of the default space, one per link."""
    subnets = DEFAULT_SPACE.subnets(new_prefix=LINK_PREFIX_LENGTH)
    return tuple(next(subnets) for _ in range(link_count(topology)))


@dataclass(frozen=True, slots=True)
class Wiring:
    """All links with their subnets; answers who has which address on which link."""

    links: tuple[Link, ...]

    def address(self, link: str, node: str) -> IPv4Address:
        """Return a node's address on a link; `KeyError` when it is not on it."""
        return self._interface(link, node).ip

    def interfaces(self, node: str, *boundary: str) -> tuple[Interface, ...]:
        """Return a node's ports, those on `boundary` links marked as such."""
        return tuple(
            Interface(
                link=link.name,
                address=self._interface(link.name, node),
                boundary=link.name in boundary,
                delay_ms=link.delay_ms,
                relays=bool(link.delay_ms) and node == link.members[0],
            )
            for link in self.links
            if node in link.members
        )

    def _interface(self, name: str, node: str) -> IPv4Interface:
        link = next((x for x in self.links if x.name == name), None)
        if link is None or node not in link.members:
            raise KeyError(f"{node} is not on a link {name}")
        # The first address of a bridge network is the engine's own.
        host = link.subnet.network_address + 2 + link.members.index(node)
        return IPv4Interface((host, link.subnet.prefixlen))


def wire(topology: Topology, subnets: Sequence[IPv4Network]) -> Wiring:
    """Give every link of the topology its subnet, in order.

    Raises:
        ValueError: There are fewer subnets than links.
    """
    members = tuple(_members(topology))
    if len(subnets) < len(members):
        raise ValueError(f"{len(members)} links need as many subnets: {len(subnets)}")
    delays = {link.name: link.delay_ms for link in topology.links}
    return Wiring(
        links=tuple(
            Link(
                name=name,
                subnet=subnet,
                members=nodes,
                delay_ms=delays.get(name, 0),
            )
            for (name, nodes), subnet in zip(members, subnets, strict=False)
        )
    )

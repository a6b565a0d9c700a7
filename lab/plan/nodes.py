"""What nodes of every kind have in common: capabilities, sysctls, routes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from lab.plan.links import Wiring
from lab.plan.model import Node, Role, StaticRoute
from lab.render.model import Rendered
from lab.topology.model import Access, Region, Topology, Transit

EVERYWHERE = IPv4Network("0.0.0.0/0")
#: Setting the network up needs NET_ADMIN; giving it up for good needs SETPCAP.
SET_UP = ("NET_ADMIN", "SETPCAP")
#: A process, and what it holds of each direction when it is full.
_RELAY_MB = 32
#: Paths in the lab are not symmetrical, and a detour is not a mistake.
_HOST_SYSCTLS = (
    ("net.ipv4.conf.all.accept_redirects", "0"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.ip_unprivileged_port_start", "0"),
    # A connection whose other end moved to another PoP is given up within seconds:
    # left over, it would answer a later connection from the same port with a
    # challenge (RFC 5961, section 4) and cost that one its first second.
    ("net.ipv4.ip_local_port_range", "1024 65535"),
    ("net.ipv4.tcp_fin_timeout", "5"),
    ("net.ipv4.tcp_orphan_retries", "2"),
    ("net.ipv4.tcp_retries2", "4"),
)
#: One client node stands for many users, so its ports come round within a minute. In
#: TIME-WAIT, a node that balances anycast would meet packets of a connection that has
#: moved to it with a challenge, as above, and not with the reset that they call for.
BALANCER_SYSCTLS = (("net.ipv4.tcp_max_tw_buckets", "0"),)
#: Ports of clients that keep theirs (`lab.agent.agent`): the kernel gives them to
#: nobody else, whose connection could be the same or still be waited for.
CLIENT_SYSCTLS = (("net.ipv4.ip_local_reserved_ports", "1024-11263"),)
#: Several nodes of a LAN have the service's addresses; none may speak for them there.
#: Source: ip-sysctl, `arp_ignore` and `arp_announce`; usual with direct server return.
SHARED_ADDRESS_SYSCTLS = (
    ("net.ipv4.conf.all.arp_announce", "2"),
    ("net.ipv4.conf.all.arp_ignore", "1"),
)
#: A node that sends packets on by the link that they came from tells nobody of it.
FORWARDING_SYSCTLS = (
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.ip_forward", "1"),
)
#: Equal paths share the traffic per flow, not per address pair.
PER_FLOW = (("net.ipv4.fib_multipath_hash_policy", "1"),)
#: The same by the user's half of a flow alone: all kernels of a host hash alike, and
#: behind a router that chose by the whole, one that did would always choose the same.
#: Source: ip-sysctl, `fib_multipath_hash_fields`: source address, protocol, its port.
PER_USER = (
    ("net.ipv4.fib_multipath_hash_fields", "21"),
    ("net.ipv4.fib_multipath_hash_policy", "3"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a host sits: its site, its LAN, the router that it sends everything to.

    Without one it has the routes that it learns, if any.
    """

    site: str
    lan: str
    router: str = ""


def router_node(
    name: str,
    *,
    role: Role,
    site: str,
    wiring: Wiring,
    loopback: IPv4Address,
    boundary: tuple[str, ...],
    rendered: Rendered,
    sharing: tuple[tuple[str, str], ...] = PER_FLOW,
) -> Node:
    """Return a node that forwards packets and keeps NET_ADMIN.

    By `sharing` it chooses among equal paths.
    """
    interfaces = wiring.interfaces(name, *boundary)
    relays = sum(port.relays for port in interfaces)
    return Node(
        name=name,
        role=role,
        site=site,
        stem="bird",
        interfaces=interfaces,
        loopbacks=(loopback,),
        files=rendered.files,
        processes=rendered.processes,
        conditions=rendered.conditions,
        routes_packets=True,
        capabilities=tuple(sorted({"NET_ADMIN", *rendered.capabilities})),
        sysctls=(*_HOST_SYSCTLS, *FORWARDING_SYSCTLS, *sharing),
        tmpfs=rendered.tmpfs,
        memory_mb=rendered.memory_mb + _RELAY_MB * relays,
    )


def host_node(
    name: str,
    *,
    role: Role,
    stem: str,
    place: Place,
    wiring: Wiring,
    loopbacks: tuple[IPv4Address, ...],
    rendered: Rendered,
    sysctls: tuple[tuple[str, str], ...] = (),
    gate: bool = False,
) -> Node:
    """Return a node with one LAN port and a default route by way of its router."""
    routes = tuple(
        StaticRoute(
            prefix=EVERYWHERE,
            via=wiring.address(place.lan, router),
            source=loopbacks[0] if loopbacks else None,
        )
        for router in (place.router,)
        if router
    )
    return Node(
        name=name,
        role=role,
        site=place.site,
        stem=stem,
        interfaces=wiring.interfaces(name),
        loopbacks=loopbacks,
        routes=routes,
        files=rendered.files,
        processes=rendered.processes,
        conditions=rendered.conditions,
        capabilities=tuple(sorted({*SET_UP, *rendered.capabilities})),
        sysctls=(*_HOST_SYSCTLS, *sysctls),
        tmpfs=rendered.tmpfs,
        memory_mb=rendered.memory_mb,
        gate=gate,
    )


def routing(host: Node) -> Node:
    """Return a host whose kernel has the routes that its BIRD learns."""
    return replace(
        host,
        routes_packets=True,
        gate=False,  # it keeps the power over its port
        capabilities=tuple(sorted({*host.capabilities} - {"SETPCAP"})),
        sysctls=(*host.sysctls, *PER_FLOW),
    )


def forwarding(host: Node, marked: Iterable[tuple[int, IPv4Address]]) -> Node:
    """Return a host that also sends marked packets on to where each mark leads."""
    return replace(
        host,
        routes=(
            *host.routes,
            *(StaticRoute(prefix=EVERYWHERE, via=a, mark=mark) for mark, a in marked),
        ),
        routes_packets=True,
        capabilities=tuple(sorted({*host.capabilities} - {"SETPCAP"})),
        sysctls=(*host.sysctls, *FORWARDING_SYSCTLS),
    )


def router_address(prefix: IPv4Network) -> IPv4Address:
    """Return the loopback address of the router that originates `prefix`."""
    return router_addresses(prefix, 1)[0]


def router_addresses(prefix: IPv4Network, count: int) -> tuple[IPv4Address, ...]:
    """Return the loopback addresses of so many routers that originate `prefix`."""
    return tuple(prefix.network_address + 1 + number for number in range(count))


def other_prefixes(topology: Topology, own: IPv4Network) -> tuple[IPv4Network, ...]:
    """Return every prefix of the lab's Internet but one's own."""
    sites: tuple[Region | Access | Transit, ...] = (
        *topology.regions,
        *topology.access,
        *topology.transits,
    )
    prefixes = (*topology.shared_prefixes, *(site.prefix for site in sites))
    return tuple(p for p in prefixes if p != own)

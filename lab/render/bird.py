"""BIRD's configuration: routers of every kind, and the L4 nodes that announce.

What is announced to whom:

* a router announces its own aggregate and everything it learned by BGP (every
  neighbour in the lab is a customer or a transit that sells the whole table);
  host routes below the aggregate stay inside;
* a peer at an exchange is told the aggregate and what customers announce: what was
  learned from other transits and peers is not its neighbour's to give (RFC 7908);
* an L4 node announces its service routes to its edges, and only while they are
  enabled (`lab.node.announcer`); where there are several edges it is told what they
  learned, and its own kernel chooses among those that live;
* a drained L4 node still announces the anycast prefix, with the community
  GRACEFUL_SHUTDOWN, which goes all the way: whoever has another route prefers that,
  and tells those who had none (RFC 8326). Taking the route away would lose packets
  until they know;
* a region that a prefix is not meant for makes its path longer there, by its own AS
  (proactive prepending), announces the prefix around it, or stands by.

Source: BIRD 2.17 user's guide, sections 6.2 (BFD), 6.3 (BGP), 6.6 (kernel).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from types import MappingProxyType

from lab.plan.model import Condition, File, Process
from lab.render.model import Rendered
from lab.render.templates import fill
from lab.topology.timers import Timers

CONFIG = "/etc/lab/bird/bird.conf"
SOCKET = "/run/lab/bird.ctl"
ANYCAST_ROUTES = "anycast"
DRAINING_ROUTES = "anycast_draining"
UNICAST_ROUTES = "unicast"
#: While it is there, an announcer keeps back what is announced without the mark; but
#: the region's own address, which has no other way, stays until the region stops.
DRAINING_FILE = "/run/lab/draining"
#: While it is there, it keeps back that address too: other L4 nodes announce it.
LEAVING_FILE = "/run/lab/leaving"
#: While it is there, it keeps back all of anycast, with and without the mark.
WITHDRAWN_FILE = "/run/lab/withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One BGP session: the neighbour's name, the two ends, what it is offered.

    `exports` is "all", "customers" (those ASes' routes, and one's own), "learned" (from
    other ASes), "static" or "none". What it tells is preferred by so much, if anything
    but the length of paths is to decide (RFC 4271, section 5.1.5; BIRD's default is
    100).
    """

    name: str
    asn: int
    local: IPv4Address
    remote: IPv4Address
    exports: str
    imports: bool = True
    customers: tuple[int, ...] = ()
    preference: int = 0

    @property
    def session(self) -> str:
        """The neighbour's name as BIRD's protocol name (no dashes there)."""
        return "to_" + self.name.replace("-", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A static route; `to` is BIRD's words for where it leads."""

    prefix: IPv4Network
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSet:
    """A static protocol: routes that are enabled and disabled together.

    Those of a `draining` one are second choice and tell that they are about to go.
    """

    name: str
    routes: tuple[Route, ...]
    disabled: bool = False
    draining: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """A prefix that is announced once another region is dead.

    Attributes:
        name: What the prefix is called.
        primary: Service address of that region, which is looked at.
    """

    name: str
    prefix: IPv4Network
    primary: IPv4Address

    @property
    def routes(self) -> str:
        """The name of its static protocol, and of who looks."""
        return "standby_" + self.name.replace("-", "_")


def router(
    name: str,
    *,
    asn: int,
    router_id: IPv4Address,
    aggregate: IPv4Network,
    hosts: tuple[tuple[IPv4Address, IPv4Address], ...],
    peers: tuple[Peer, ...],
    learns: tuple[tuple[IPv4Network, int], ...],
    timers: Timers,
    prepends: Mapping[IPv4Network, int] = MappingProxyType({}),
) -> Rendered:
    """Return a router that originates `aggregate` and forwards packets.

    Args:
        name: Node name.
        asn: Its AS.
        router_id: Its own loopback address.
        aggregate: The prefix that it originates, whatever is behind it.
        hosts: (service address, link address) of the servers behind it.
        peers: Its BGP sessions.
        learns: (prefix, next hops) that must be in its kernel before it is ready.
        timers: BFD and BGP timers.
        prepends: {prefix: how often more its AS stands in the path that others see}.
    """
    reached = tuple(Route(prefix=IPv4Network(a), to=f"via {via}") for a, via in hosts)
    own = (Route(prefix=aggregate, to="unreachable"),)
    route_sets: tuple[RouteSet, ...] = (RouteSet(name="aggregate", routes=own),)
    if reached:
        route_sets += (RouteSet(name="servers", routes=reached),)
    return _rendered(
        name,
        asn=asn,
        router_id=router_id,
        kernel="all",
        aggregate=aggregate,
        route_sets=route_sets,
        peers=peers,
        timers=timers,
        conditions=(_sessions(peers, timers), _routes(learns)),
        prepends=prepends,
    )


def announcing(
    name: str,
    *,
    asn: int,
    router_id: IPv4Address,
    anycast: tuple[IPv4Network, ...],
    unicast: IPv4Address,
    peers: tuple[Peer, ...],
    learns: tuple[tuple[IPv4Network, int], ...],
    timers: Timers,
    announcers: tuple[Process, ...],
    standbys: tuple[Standby, ...] = (),
) -> Rendered:
    """Return an L4 node's BIRD and its `announcers`: health in, announcements out.

    Where it `learns` routes its peers import, its kernel gets them. What it stands by
    with waits for another region's death (`lab.node.standby`).
    """
    routes = tuple(Route(prefix=prefix, to="unreachable") for prefix in anycast)
    route_sets = (
        RouteSet(name=ANYCAST_ROUTES, routes=routes, disabled=True),
        RouteSet(
            name=DRAINING_ROUTES,
            routes=routes,
            disabled=True,
            draining=True,
        ),
        RouteSet(
            name=UNICAST_ROUTES,
            routes=(Route(prefix=IPv4Network(unicast), to="unreachable"),),
            disabled=True,
        ),
        *(
            RouteSet(
                name=standby.routes,
                routes=(Route(prefix=standby.prefix, to="unreachable"),),
                disabled=True,
            )
            for standby in standbys
        ),
    )
    return _rendered(
        name,
        asn=asn,
        router_id=router_id,
        kernel="learned" if learns else "",
        aggregate=None,
        route_sets=route_sets,
        peers=peers,
        timers=timers,
        conditions=(
            _sessions(peers, timers),
            *((_routes(learns),) if learns else ()),
            _announces(anycast),
            *map(_waits, standbys),
        ),
        more=announcers,
    )


def _announces(anycast: tuple[IPv4Network, ...]) -> Condition:
    """Return the condition that users may come: other routes would hide that none is.

    Somebody else's route to an anycast prefix looks like one's own to a neighbour.
    """
    text = f"announces {', '.join(map(str, anycast))}"
    args: dict[str, object] = {"socket": SOCKET, "routes": [ANYCAST_ROUTES]}
    return Condition(text=text, kind="announced", args=args)


def _waits(standby: Standby) -> Condition:
    args: dict[str, object] = {
        "process": standby.routes,
        "pattern": "takes the other region for (dead|well)",
        "want": "well",
    }
    text = f"stands by with {standby.prefix}"
    return Condition(text=text, kind="said", args=args)


def listening(
    name: str,
    *,
    asn: int,
    router_id: IPv4Address,
    peers: tuple[Peer, ...],
    learns: tuple[tuple[IPv4Network, int], ...],
    timers: Timers,
) -> Rendered:
    """Return the BIRD of a host that announces nothing and learns its ways out."""
    return _rendered(
        name,
        asn=asn,
        router_id=router_id,
        kernel="learned",
        aggregate=None,
        route_sets=(),
        peers=peers,
        timers=timers,
        conditions=(_sessions(peers, timers), _routes(learns)),
    )


def _sessions(peers: tuple[Peer, ...], timers: Timers) -> Condition:
    names = ", ".join(p.name for p in peers)
    up = "BGP and BFD up" if timers.bfd.enabled else "BGP up"
    sessions = [p.session for p in peers]
    args: dict[str, object] = {
        "socket": SOCKET,
        "sessions": sessions,
        "neighbours": [str(p.remote) for p in peers if timers.bfd.enabled],
    }
    return Condition(text=f"{up} with {names}", kind="bgp", args=args)


def _routes(learns: tuple[tuple[IPv4Network, int], ...]) -> Condition:
    prefixes = {str(prefix): paths for prefix, paths in learns}
    text = f"routes to {', '.join(prefixes)}"
    return Condition(text=text, kind="route", args={"prefixes": prefixes})


def _rendered(
    name: str,
    *,
    asn: int,
    router_id: IPv4Address,
    kernel: str,
    aggregate: IPv4Network | None,
    route_sets: tuple[RouteSet, ...],
    peers: tuple[Peer, ...],
    timers: Timers,
    conditions: tuple[Condition, ...],
    more: tuple[Process, ...] = (),
    prepends: Mapping[IPv4Network, int] = MappingProxyType({}),
) -> Rendered:
    text = fill(
        "bird/router.conf.j2",
        name=name,
        asn=asn,
        router_id=router_id,
        kernel=kernel,
        aggregate=aggregate,
        route_sets=route_sets,
        peers=peers,
        prepends=prepends,
        bfd=timers.bfd,
        hold_s=timers.bgp.hold_s,
        heeds=timers.bgp.heeds_graceful_shutdown and any(p.asn != asn for p in peers),
    )
    bird = Process(name="bird", argv=("bird", "-f", "-c", CONFIG, "-s", SOCKET))
    return Rendered(
        files=(File(path=CONFIG, text=text),),
        processes=(bird, *more),
        conditions=conditions,
        tmpfs=(),
        capabilities=("NET_RAW",),
        memory_mb=64,
    )

"""BIRD's configuration: routers of every kind, and the L4 nodes that announce.

What is announced to whom:

* a router announces its own aggregate and everything it learned by BGP (every
  neighbour in the lab is a customer or a transit that sells the whole table);
  host routes below the aggregate stay inside;
* an L4 node announces its service routes to its edge, and only while they are
  enabled (`lab.node.announcer`);
* a drained L4 node still announces the anycast prefix to its edge, marked as not to
  be passed on: the edge withdraws it from its transit and goes on delivering what
  still arrives. Taking the route away from the edge would lose those packets.

Source: BIRD 2.17 user's guide, sections 6.2 (BFD), 6.3 (BGP), 6.6 (kernel).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.plan.model import Condition, File, Process
from lab.render.model import Rendered
from lab.render.templates import fill
from lab.topology.timers import Timers

CONFIG = "/etc/lab/bird/bird.conf"
SOCKET = "/run/lab/bird.ctl"
ANYCAST_ROUTES = "anycast"
DRAINING_ROUTES = "anycast_draining"
UNICAST_ROUTES = "unicast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One BGP session: the neighbour's name, the two ends, what it is offered."""

    name: str
    asn: int
    local: IPv4Address
    remote: IPv4Address
    exports: str  # "all", "static" or "none"
    imports: bool = True

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

    Those of a `draining` one are second choice and tell the edge not to attract.
    """

    name: str
    routes: tuple[Route, ...]
    disabled: bool = False
    draining: bool = False


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
        forwards=True,
        aggregate=aggregate,
        route_sets=route_sets,
        peers=peers,
        timers=timers,
        conditions=(_sessions(peers, timers), _routes(learns)),
    )


def announcing(
    name: str,
    *,
    asn: int,
    router_id: IPv4Address,
    anycast: IPv4Network,
    unicast: IPv4Address,
    peer: Peer,
    timers: Timers,
    announcer: tuple[Process, ...],
) -> Rendered:
    """Return an L4 node's BIRD and announcer: health in, announcements out."""
    route_sets = (
        RouteSet(
            name=ANYCAST_ROUTES,
            routes=(Route(prefix=anycast, to="unreachable"),),
            disabled=True,
        ),
        RouteSet(
            name=DRAINING_ROUTES,
            routes=(Route(prefix=anycast, to="unreachable"),),
            disabled=True,
            draining=True,
        ),
        RouteSet(
            name=UNICAST_ROUTES,
            routes=(Route(prefix=IPv4Network(unicast), to="unreachable"),),
            disabled=True,
        ),
    )
    return _rendered(
        name,
        asn=asn,
        router_id=router_id,
        forwards=False,
        aggregate=None,
        route_sets=route_sets,
        peers=(peer,),
        timers=timers,
        conditions=(_sessions((peer,), timers),),
        more=announcer,
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
    forwards: bool,
    aggregate: IPv4Network | None,
    route_sets: tuple[RouteSet, ...],
    peers: tuple[Peer, ...],
    timers: Timers,
    conditions: tuple[Condition, ...],
    more: tuple[Process, ...] = (),
) -> Rendered:
    text = fill(
        "bird/router.conf.j2",
        name=name,
        asn=asn,
        router_id=router_id,
        forwards=forwards,
        aggregate=aggregate,
        route_sets=route_sets,
        peers=peers,
        bfd=timers.bfd,
        hold_s=timers.bgp.hold_s,
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

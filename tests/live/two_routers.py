"""Two routers, a link between them, and a BGP session over it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from lab.live.engine import Engine
from lab.live.links import free_subnets
from lab.plan.links import Wiring
from lab.plan.model import Link, Node, Plan, Role
from lab.plan.nodes import router_address, router_node
from lab.render import bird
from lab.topology.timers import Timers

LINK = "atlantic"
#: Ends of the link: their AS and their prefix.
ENDS = {
    "near": (64500, IPv4Network("198.18.0.0/24")),
    "far": (64501, IPv4Network("198.18.1.0/24")),
}


def address(name: str) -> IPv4Address:
    return router_address(ENDS[name][1])


def plan(engine: Engine, *, delay_ms: float, timers: Timers) -> Plan:
    (subnet,) = free_subnets(1, engine.subnets())
    link = Link(name=LINK, subnet=subnet, members=tuple(ENDS), delay_ms=delay_ms)
    wiring = Wiring(links=(link,))
    nodes = (
        _router(wiring, "near", "far", timers),
        _router(wiring, "far", "near", timers),
    )
    return Plan(topology="long", profile="quick", links=(link,), nodes=nodes)


def _router(wiring: Wiring, name: str, other: str, timers: Timers) -> Node:
    asn, prefix = ENDS[name]
    peer = bird.Peer(
        name=other,
        asn=ENDS[other][0],
        local=wiring.address(LINK, name),
        remote=wiring.address(LINK, other),
        exports="all",
    )
    return router_node(
        name,
        role=Role.TRANSIT,
        site=name,
        wiring=wiring,
        loopback=address(name),
        boundary=(LINK,),
        rendered=bird.router(
            name,
            asn=asn,
            router_id=address(name),
            aggregate=prefix,
            hosts=(),
            peers=(peer,),
            learns=((ENDS[other][1], 1),),
            timers=timers,
        ),
    )

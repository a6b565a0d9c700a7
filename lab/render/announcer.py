"""The announcer of an L4 node, and its guard: what they look at, and when they act.

How far down it looks is a choice: whoever looks only at its own balancer attracts users
to a region that cannot serve them; whoever looks at all that a service depends on
withdraws everything, everywhere, when one such thing is sick.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Address
from types import MappingProxyType

from lab.plan.model import Process
from lab.render.bird import ANYCAST_ROUTES, DRAINING_ROUTES, SOCKET, UNICAST_ROUTES
from lab.render.envoy import ADMIN_PORT
from lab.topology.model import L4Kind
from lab.topology.timers import GUARD_EVERY_S, Announce, CheckerDeath, Depth

ALIVE = "/run/lab/announcer.alive"

Look = Mapping[str, object]
#: A proxy says that it is ready; a kernel has no process that could die alone, but a
#: ruleset that must be there.
_BALANCER: Mapping[L4Kind, Look] = MappingProxyType(
    {
        L4Kind.PROXY: {
            "hosts": ["127.0.0.1"],
            "port": ADMIN_PORT,
            "path": "/ready",
            "status": 200,
        },
        L4Kind.PACKET: {"argv": ["nft", "list", "set", "ip", "steering", "alive"]},
    }
)


def looks(
    depth: Depth, kind: L4Kind, service: IPv4Address, l7: tuple[IPv4Address, ...]
) -> tuple[Look, ...]:
    """Return what must be well for an L4 node to announce.

    Args:
        depth: How far down it looks.
        kind: Of the L4 node.
        service: Address by which it reaches a backend, as users do.
        l7: Addresses of the L7 nodes themselves, past the balancer: it gives up those
            that have no backend, which is the next depth's question.
    """
    if depth is Depth.NODE:
        return (_BALANCER[kind],)
    if depth is Depth.POP:
        hosts = [str(address) for address in l7]
        proxies: Look = {"hosts": hosts, "port": 80, "path": "/l7-health"}
        return (_BALANCER[kind], proxies)
    whole: dict[str, object] = {"hosts": [str(service)], "port": 80, "status": 200}
    if depth is Depth.REGION:
        return ({**whole, "path": "/shallow"},)
    # A drain is no illness: what is drained still serves, and says 503 when asked deep.
    return ({**whole, "path": "/deep", "draining_path": "/shallow"},)


def processes(announce: Announce, looking: tuple[Look, ...]) -> tuple[Process, ...]:
    """Return the announcer, and the guard that a region has whose checker may die."""
    guarded = announce.on_checker_death is CheckerDeath.WITHDRAW
    told: dict[str, object] = {
        "socket": SOCKET,
        "alive": ALIVE if guarded else "",
        "silent_ms": round(announce.silent_s * 1000),
        "drained": [ANYCAST_ROUTES],
    }
    announcer = {
        **told,
        **announce.model_dump(include={"bound", "interval_ms", "fall", "rise"}),
        "looks": looking,
        "routes": [ANYCAST_ROUTES, DRAINING_ROUTES, UNICAST_ROUTES],
    }
    guard = {**told, "every_ms": round(GUARD_EVERY_S * 1000)}
    started = {"announcer": announcer} | ({"guard": guard} if guarded else {})
    return tuple(
        Process(name=name, argv=("python3", "-m", f"lab.node.{name}", json.dumps(args)))
        for name, args in started.items()
    )

"""Who tells an L4 node's BIRD what to announce: what each looks at, and when it acts.

* the announcer binds the node's routes to its health; how far down it looks is a
  choice: whoever looks only at its own balancer attracts users to a region that cannot
  serve them; whoever looks at all that a service depends on withdraws everything,
  everywhere, when one such thing is sick;
* a guard withdraws in its place, should it die;
* who stands by announces a prefix of another region in whose place it serves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Address
from types import MappingProxyType

from lab.plan.model import Process
from lab.render.bird import (
    ANYCAST_ROUTES,
    DRAINING_FILE,
    DRAINING_ROUTES,
    LEAVING_FILE,
    SOCKET,
    UNICAST_ROUTES,
    WITHDRAWN_FILE,
    Standby,
)
from lab.render.envoy import ADMIN_PORT
from lab.topology.l4 import L4Kind
from lab.topology.timers import (
    GUARD_EVERY_S,
    STANDBY_TIMEOUT_MS,
    Announce,
    CheckerDeath,
    Depth,
)

#: What an announcer touches where a guard looks for signs of life.
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
#: Which files keep back which routes; what is announced with the mark of a route that
#: is about to go stays while that goes.
_WITHHELD: Mapping[str, list[str]] = MappingProxyType(
    {
        ANYCAST_ROUTES: [DRAINING_FILE, LEAVING_FILE, WITHDRAWN_FILE],
        DRAINING_ROUTES: [LEAVING_FILE, WITHDRAWN_FILE],
        UNICAST_ROUTES: [LEAVING_FILE],
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
    return ({**whole, "path": "/deep", "instead": {DRAINING_FILE: "/shallow"}},)


def processes(
    announce: Announce, looking: tuple[Look, ...], *, heeded: bool
) -> tuple[Process, ...]:
    """Return the announcer, and the guard that a region has whose checker may die.

    Args:
        announce: When the announcer acts, and what becomes of it.
        looking: What it looks at.
        heeded: Whether neighbours heed the mark of a route that is about to go. If so
            a guard leaves the marked route, as a drain does: what is on its way is
            delivered. If not, only a route that is gone moves anybody.
    """
    guarded = announce.on_checker_death is CheckerDeath.WITHDRAW
    told: dict[str, object] = {
        "socket": SOCKET,
        "alive": ALIVE if guarded else "",
        "silent_ms": round(announce.silent_s * 1000),
    }
    announcer = {
        **told,
        **announce.model_dump(include={"bound", "interval_ms", "fall", "rise"}),
        "looks": looking,
        "withheld": dict(_WITHHELD),
        "routes": [ANYCAST_ROUTES, DRAINING_ROUTES, UNICAST_ROUTES],
    }
    guard = {
        **told,
        "every_ms": round(GUARD_EVERY_S * 1000),
        "withdraws": [ANYCAST_ROUTES, *([] if heeded else [DRAINING_ROUTES])],
    }
    return (
        _program("announcer", "announcer", announcer),
        *([_program("guard", "guard", guard)] if guarded else []),
    )


def standing_by(own: IPv4Address, standby: Standby, announce: Announce) -> Process:
    """Return who looks at another region and announces in its place.

    Args:
        own: Address of the service that must be well for that.
        standby: What is announced then.
        announce: How often it looks, and what counts.
    """
    orders = {
        "socket": SOCKET,
        "routes": standby.routes,
        "primary": str(standby.primary),
        "own": str(own),
        "port": 80,
        "path": "/deep",
        "timeout_ms": STANDBY_TIMEOUT_MS,
        **announce.model_dump(include={"interval_ms", "fall", "rise"}),
    }
    return _program(standby.routes, "standby", orders)


def _program(name: str, module: str, args: Mapping[str, object]) -> Process:
    argv = ("python3", "-m", f"lab.node.{module}", json.dumps(args))
    return Process(name=name, argv=argv)

"""BIND 9: a caching resolver, honest, clamping or serving stale answers.

It never tells a subnet (RFC 7871), its own users' or one that it was told.

Source: the BIND 9.20 Administrator Reference Manual, chapter 8.
"""

from __future__ import annotations

from base64 import b64encode

from lab.plan.model import File, Process
from lab.render.model import Rendered
from lab.render.resolver import resolves
from lab.render.templates import fill
from lab.render.zones import root_hints
from lab.topology.model import Resolver, Topology

FOLDER = "/etc/lab/bind"
CONFIG = f"{FOLDER}/named.conf"
CONTROL = f"{FOLDER}/rndc.conf"
STATISTICS = "/run/lab/named.stats"
#: No secret: the control channel is on the node's own 127.0.0.1. BIND 9.20 has no
#: channel without a key, and none by a Unix socket.
_KEY = b64encode(b"anyone inside the node may ask").decode()


def render(topology: Topology, resolver: Resolver) -> Rendered:
    """Return a resolver that starts from the lab's root."""
    config = fill(
        "bind/named.conf.j2",
        name=resolver.name,
        address=resolver.address,
        behaviour=resolver.behaviour.value,
        clamp_s=topology.timers.clamp_s,
        stale_answer_ttl_s=topology.timers.stale_answer_ttl_s,
        statistics_file=STATISTICS,
        secret=_KEY,
    )
    argv = ("named", "-4", "-g", "-n", "1", "-c", CONFIG)
    return Rendered(
        files=(
            File(path=CONFIG, text=config),
            File(path=CONTROL, text=fill("bind/rndc.conf.j2", secret=_KEY)),
            File(path=f"{FOLDER}/root.hints", text=root_hints(topology)),
        ),
        processes=(Process(name="bind", argv=argv),),
        conditions=resolves(topology, resolver),
    )

"""Unbound: a caching resolver of every behaviour.

Source: unbound.conf(5) of Unbound 1.26.
"""

from __future__ import annotations

from lab.plan.model import File, Process
from lab.render.model import Rendered
from lab.render.resolver import resolves, told_the_subnet, upstream
from lab.render.templates import fill
from lab.render.zones import root_hints
from lab.topology.model import Resolver, Topology

CONFIG = "/etc/lab/unbound/unbound.conf"


def render(topology: Topology, resolver: Resolver) -> Rendered:
    """Return a resolver that starts from the lab's root."""
    config = fill(
        "unbound/unbound.conf.j2",
        name=resolver.name,
        address=resolver.address,
        behaviour=resolver.behaviour.value,
        clamp_s=topology.timers.clamp_s,
        stale_answer_ttl_s=topology.timers.stale_answer_ttl_s,
        stale_after_ms=round(resolver.stale_after_s * 1000),
        told=told_the_subnet(topology, resolver),
        upstream=upstream(topology, resolver),
    )
    return Rendered(
        files=(
            File(path=CONFIG, text=config),
            File(path="/etc/lab/unbound/root.hints", text=root_hints(topology)),
        ),
        processes=(Process(name="unbound", argv=("unbound", "-d", "-c", CONFIG)),),
        conditions=resolves(topology, resolver),
    )

"""PowerDNS Recursor: a caching resolver of every behaviour but forwarding.

Source: the manual of PowerDNS Recursor 5.2, YAML settings.
"""

from __future__ import annotations

from lab.plan.model import File, Process
from lab.render.model import Rendered
from lab.render.resolver import resolves, told_the_subnet
from lab.render.templates import fill
from lab.render.zones import root_hints
from lab.topology.model import Resolver, Topology

FOLDER = "/etc/lab/recursor"


def render(topology: Topology, resolver: Resolver) -> Rendered:
    """Return a resolver that starts from the lab's root."""
    config = fill(
        "recursor/recursor.yml.j2",
        name=resolver.name,
        address=resolver.address,
        behaviour=resolver.behaviour.value,
        clamp_s=topology.timers.clamp_s,
        told=told_the_subnet(topology, resolver),
    )
    argv = ("pdns_recursor", f"--config-dir={FOLDER}")
    return Rendered(
        files=(
            File(path=f"{FOLDER}/recursor.yml", text=config),
            File(path=f"{FOLDER}/root.hints", text=root_hints(topology)),
        ),
        processes=(Process(name="recursor", argv=argv),),
        conditions=resolves(topology, resolver),
        memory_mb=256,
    )

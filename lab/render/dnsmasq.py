"""dnsmasq: the cache in a router at home, which asks another resolver.

Told to, it adds the user's subnet (RFC 7871) to what it asks. It then caches nothing:
its cache does not tell answers for one subnet from those for another.

Source: dnsmasq(8) of dnsmasq 2.91.
"""

from __future__ import annotations

from lab.plan.model import File, Process
from lab.render.model import Rendered
from lab.render.resolver import resolves, upstream
from lab.render.templates import fill
from lab.topology.model import Resolver, Topology

CONFIG = "/etc/lab/dnsmasq/dnsmasq.conf"
PID_FILE = "/run/lab/dnsmasq.pid"


def render(topology: Topology, resolver: Resolver) -> Rendered:
    """Return a resolver that asks the one it forwards to."""
    config = fill(
        "dnsmasq/dnsmasq.conf.j2",
        name=resolver.name,
        address=resolver.address,
        behaviour=resolver.behaviour.value,
        upstream=upstream(topology, resolver),
        tells_subnet=bool(resolver.ecs_to),
        pid_file=PID_FILE,
    )
    argv = ("dnsmasq", f"--conf-file={CONFIG}")
    return Rendered(
        files=(File(path=CONFIG, text=config),),
        processes=(Process(name="dnsmasq", argv=argv),),
        conditions=resolves(topology, resolver),
    )

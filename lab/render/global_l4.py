"""Envoy as the balancer in front of the regions: a TCP proxy, the first well one first.

Each region is a priority of its own: all connections go to the first one that is well.

Source: the manual of Envoy 1.40, "Priority levels", "Health checking".
"""

from __future__ import annotations

from lab.render.envoy import ADMIN_PORT, running
from lab.render.model import Rendered
from lab.render.templates import fill
from lab.render.zones import region_address
from lab.topology.front import GlobalL4
from lab.topology.model import Probe, Topology


def render(topology: Topology, balancer: GlobalL4) -> Rendered:
    """Return a TCP proxy over the regions' service addresses."""
    check = topology.timers.global_check
    text = fill(
        "envoy/global_l4.yaml.j2",
        name=balancer.name,
        admin_port=ADMIN_PORT,
        address=balancer.address,
        regions=[region_address(topology, region) for region in balancer.regions],
        probe=Probe.DEEP,
        zone=topology.zone.name,
        interval_s=check.interval_ms / 1000,
        timeout_s=check.timeout_ms / 1000,
        fall=check.fall,
    )
    return running(text, {"regions": len(balancer.regions)})

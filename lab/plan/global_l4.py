"""The balancer in front of the regions: a node at a transit. Pure."""

from __future__ import annotations

from lab.plan.links import Wiring
from lab.plan.model import Node, Role
from lab.plan.nodes import BALANCER_SYSCTLS, Place, host_node
from lab.render import global_l4
from lab.topology.front import GlobalL4
from lab.topology.model import Topology


def global_l4_node(
    topology: Topology, balancer: GlobalL4, place: Place, wiring: Wiring
) -> Node:
    """Return the node, which reaches the regions as users do."""
    return host_node(
        balancer.name,
        role=Role.GLOBAL_L4,
        stem="envoy",
        place=place,
        wiring=wiring,
        loopbacks=(balancer.address,),
        rendered=global_l4.render(topology, balancer),
        sysctls=BALANCER_SYSCTLS,
    )

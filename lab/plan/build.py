"""Topology → Plan: every node, link, address and file decided. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from lab.plan.core import access_nodes, transit_nodes
from lab.plan.links import default_subnets, wire
from lab.plan.model import Node, Plan
from lab.plan.region import region_nodes
from lab.topology.model import Topology


def build(
    topology: Topology,
    *,
    profile: str,
    subnets: Sequence[IPv4Network] | None = None,
) -> Plan:
    """Return the plan of a topology whose profile and knobs are already applied.

    Args:
        topology: What exists.
        profile: Name of the profile in force, for the record.
        subnets: One per link (`lab.plan.links.link_count`); the default space's
            first ones when not given.

    Raises:
        ValueError: Too few subnets.
    """
    wiring = wire(topology, subnets or default_subnets(topology))

    def nodes() -> Iterator[Node]:
        for transit in topology.transits:
            yield from transit_nodes(topology, transit, wiring)
        for region in topology.regions:
            yield from region_nodes(topology, region, wiring)
        for access in topology.access:
            yield from access_nodes(topology, access, wiring)

    return Plan(
        topology=topology.name,
        profile=profile,
        links=wiring.links,
        nodes=tuple(nodes()),
    )

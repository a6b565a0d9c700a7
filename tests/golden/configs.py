"""Nodes of two-region whose configuration is kept, one of each kind."""

from __future__ import annotations

from lab.plan.build import build
from lab.plan.model import Node
from lab.topology.loading import load
from lab.topology.profiles import Profile, apply

#: All others differ from one of these in names and numbers only.
ONE_OF_EACH = (
    "transit-a",
    "root",
    "tld",
    "provider-a",
    "provider-b",
    "public",
    "us-east-edge",
    "us-east-l4-1",
    "us-east-l7-1",
    "access-us",
    "us-honest",
    "us-clamping",
    "us-stale",
)


def planned() -> tuple[Node, ...]:
    """Return every node of two-region in the quick profile."""
    topology = apply(load("two-region"), Profile.QUICK)
    return build(topology, profile=Profile.QUICK).nodes


def one_of_each() -> dict[str, Node]:
    """Return the chosen nodes by name."""
    nodes = {node.name: node for node in planned()}
    return {name: nodes[name] for name in ONE_OF_EACH}

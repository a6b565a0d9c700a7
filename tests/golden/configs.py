"""Nodes whose configuration is kept: of two-region, one of each kind; PoPs' routers."""

from __future__ import annotations

from collections.abc import Iterable

from lab.plan.build import build
from lab.plan.model import Node
from lab.render.bird import CONFIG
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
#: Of three-pop, whoever speaks BGP in a way that nobody in two-region does.
SPEAKERS = (
    "transit-eu-1",
    "eu-west-edge-1",
    "eu-west-edge-2",
    "eu-west-l4-1",
    "eu-west-l7-1",
    "us-east-edge-1",
    "us-east-l4-1",
)


def planned(source: str = "two-region") -> tuple[Node, ...]:
    """Return every node of a topology in the quick profile."""
    topology = apply(load(source), Profile.QUICK)
    return build(topology, profile=Profile.QUICK).nodes


def nodes(source: str, names: Iterable[str]) -> dict[str, Node]:
    """Return some nodes of a topology by name."""
    known = {node.name: node for node in planned(source)}
    return {name: known[name] for name in names}


def one_of_each() -> dict[str, Node]:
    """Return the chosen nodes of two-region by name."""
    return nodes("two-region", ONE_OF_EACH)


def spoken() -> dict[str, str]:
    """Return the BIRD configurations of those who speak, by node and path."""
    return {
        f"{node.name}{file.path}": file.text
        for node in nodes("three-pop", SPEAKERS).values()
        for file in node.files
        if file.path == CONFIG
    }

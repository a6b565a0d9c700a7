"""Names and labels of everything that the lab creates in the engine. Pure.

Labels alone decide what belongs to a lab; names are for people.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Final

from lab.plan.model import Node, Plan

#: The label that everything of the lab carries; its value is the lab's name.
LAB: Final = "dns-anycast-lab"
NODE: Final = f"{LAB}.node"
LINK: Final = f"{LAB}.link"
ROLE: Final = f"{LAB}.role"
SITE: Final = f"{LAB}.site"
STEM: Final = f"{LAB}.stem"
LINKS: Final = f"{LAB}.links"
TOPOLOGY: Final = f"{LAB}.topology"
PROFILE: Final = f"{LAB}.profile"
DIGEST: Final = f"{LAB}.digest"


def object_name(lab: str, part: str) -> str:
    """Return the engine's name of a lab's node or link."""
    return f"{lab}-{part}"


def plan_digest(plan: Plan) -> str:
    """Return what tells this plan from any other, link addresses included."""
    text = json.dumps(asdict(plan), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def link_labels(lab: str, link: str) -> dict[str, str]:
    """Return the labels of a link's network."""
    return {LAB: lab, LINK: link}


def node_labels(lab: str, plan: Plan, node: Node, digest: str) -> dict[str, str]:
    """Return the labels of a node's container."""
    return {
        LAB: lab,
        NODE: node.name,
        ROLE: node.role.value,
        SITE: node.site,
        STEM: node.stem,
        LINKS: ",".join(f"{port.link}={port.address.ip}" for port in node.interfaces),
        TOPOLOGY: plan.topology,
        PROFILE: str(plan.profile),  # not an enumeration's member
        DIGEST: digest,
    }

"""A plan in the engine's terms: networks and containers, decided, not created. Pure.

Both ways of starting a lab print these values: `lab.live.engine` and
`lab.live.compose`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.live.naming import link_labels, node_labels, object_name, plan_digest
from lab.plan.model import Node, Plan
from lab.plan.spec import environment

#: No way out (no masquerading), and no address of the host on the link.
BRIDGE_OPTIONS = {
    "com.docker.network.bridge.enable_ip_masquerade": "false",
    "com.docker.network.bridge.inhibit_ipv4": "true",
}
#: Kept by the engine for `lab logs`, per container.
LOG_OPTIONS = {"max-size": "2m", "max-file": "2"}
_TMPFS = ("/etc/lab", "/run", "/tmp")
_TMPFS_OPTIONS = "rw,nosuid,nodev,size=64m,mode=1777"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A bridge network."""

    link: str
    name: str
    subnet: IPv4Network
    labels: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container; `addresses` is {network name: address}, in order of the ports."""

    node: str
    stem: str
    name: str
    image: str
    environment: dict[str, str]
    labels: dict[str, str]
    addresses: dict[str, IPv4Address]
    capabilities: tuple[str, ...]
    tmpfs: dict[str, str]
    sysctls: dict[str, str]
    memory_mb: int
    pids: int


def network(lab: str, link: str, subnet: IPv4Network) -> Network:
    """Return the network of a link."""
    return Network(
        link=link,
        name=object_name(lab, link),
        subnet=subnet,
        labels=link_labels(lab, link),
    )


def networks(lab: str, plan: Plan) -> tuple[Network, ...]:
    """Return every network of the plan."""
    return tuple(network(lab, link.name, link.subnet) for link in plan.links)


def containers(
    lab: str, plan: Plan, image_of: Callable[[str], str]
) -> tuple[Container, ...]:
    """Return every container of the plan.

    Args:
        lab: Name of the lab.
        plan: What to run.
        image_of: Image reference of a stem.
    """
    digest = plan_digest(plan)
    return tuple(
        _container(lab, node, image_of(node.stem), node_labels(lab, plan, node, digest))
        for node in plan.nodes
    )


def _container(lab: str, node: Node, image: str, labels: dict[str, str]) -> Container:
    return Container(
        node=node.name,
        stem=node.stem,
        name=object_name(lab, node.name),
        image=image,
        environment=environment(node),
        labels=labels,
        addresses={
            object_name(lab, port.link): port.address.ip for port in node.interfaces
        },
        capabilities=node.capabilities,
        tmpfs=dict.fromkeys(dict.fromkeys((*_TMPFS, *node.tmpfs)), _TMPFS_OPTIONS),
        sysctls=dict(node.sysctls),
        memory_mb=node.memory_mb,
        pids=node.pids,
    )

"""A plan printed as a Compose file: the same objects as the engine's. Pure."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString, SingleQuotedScalarString

from lab.live.containers import (
    BRIDGE_OPTIONS,
    LOG_OPTIONS,
    Container,
    Network,
    containers,
    networks,
)
from lab.live.stages import image_name
from lab.plan.model import Plan, Role

_HEADER = """\
# Printed by `lab export compose`; edit the topology, not this file.
#
#   docker compose up --wait      starts this lab without the harness
#   lab run --attach SCENARIO     runs a scenario on it
"""
#: The first process makes this file when every condition of its node holds.
_READY = "/run/lab/ready"
#: The longest that the harness, too, waits for a lab to be ready.
_START_PERIOD_S = 60


def compose_yaml(plan: Plan, *, image_of: Callable[[str], str] = image_name) -> str:
    """Return the plan as a Compose file for a lab of the topology's name."""
    lab = plan.topology
    clients = {n.name for n in plan.nodes if n.role is Role.CLIENTS}
    links = {n.name: n.link for n in networks(lab, plan)}
    document = {
        "name": lab,
        "services": {
            c.node: _service(c, links, watched=c.node in clients)
            for c in containers(lab, plan, image_of)
        },
        "networks": {n.link: _network(n) for n in networks(lab, plan)},
    }
    return _HEADER + _emitted(document)


def _service(
    container: Container, links: dict[str, str], *, watched: bool
) -> dict[str, Any]:
    service: dict[str, Any] = {
        "image": container.image,
        "build": {
            "context": ".",
            "dockerfile": "configs/Dockerfile",
            "target": container.stem,
        },
        "container_name": container.name,
        "hostname": container.node,
        "stdin_open": True,
        "init": False,
        "restart": SingleQuotedScalarString("no"),
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": list(container.capabilities),
        "security_opt": ["no-new-privileges"],
        "pids_limit": container.pids,
        "mem_limit": f"{container.memory_mb}m",
        "tmpfs": [f"{path}:{options}" for path, options in container.tmpfs.items()],
        "sysctls": container.sysctls,
        "logging": {"driver": "json-file", "options": LOG_OPTIONS},
        "labels": container.labels,
        "networks": {
            links[name]: {"ipv4_address": str(address)}
            for name, address in container.addresses.items()
        },
        "environment": {
            name: LiteralScalarString(_escaped(text))
            for name, text in container.environment.items()
        },
    }
    if watched:
        service["healthcheck"] = _health_check()
    return {key: value for key, value in service.items() if value != []}


def _health_check() -> dict[str, Any]:
    """Return the check of a clients' node, whose journeys are the whole lab's truth."""
    return {
        "test": ["CMD", "test", "-e", _READY],
        "interval": "1s",
        "timeout": "1s",
        "retries": _START_PERIOD_S,
    }


def _network(network: Network) -> dict[str, Any]:
    return {
        "name": network.name,
        "driver": "bridge",
        "driver_opts": BRIDGE_OPTIONS,
        "ipam": {"config": [{"subnet": str(network.subnet)}]},
        "labels": network.labels,
    }


def _escaped(text: str) -> str:
    """Return the text with the signs that Compose would replace doubled."""
    return text.replace("$", "$$")


def _emitted(document: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 88
    yaml.representer.ignore_aliases = lambda _: True
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()

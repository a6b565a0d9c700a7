"""What is known of a lab at a moment, as values for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from lab.live.engine import Found
from lab.live.naming import DIGEST, NODE, PROFILE, ROLE, SITE, STEM, TOPOLOGY

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """One node.

    Attributes:
        state: Of its container, in the engine's words (`running`, `exited`, …).
        stem: The stage of its image, by which its daemons are known.
        down: Daemons that do not run.
        waiting: (condition, what was seen last) for each that does not hold.
    """

    name: str
    role: str
    site: str
    state: str
    stem: str = ""
    down: tuple[str, ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it runs and every condition holds."""
        return self.state == "running" and not self.down and not self.waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatus:
    """A lab; without nodes there is none of that name.

    Attributes:
        suffering: The state of each target of a fault that is not undone.
    """

    lab: str
    topology: str = ""
    profile: str = ""
    digest: str = ""
    nodes: tuple[NodeStatus, ...] = ()
    suffering: Mapping[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether it exists, every node is ready, and nothing suffers from a fault."""
        well = all(node.ready for node in self.nodes)
        return bool(self.nodes) and well and not self.suffering


def lab_status(
    lab: str,
    found: Sequence[Found],
    *,
    down: Mapping[str, tuple[str, ...]] = _NOTHING,
    missing: Mapping[str, Mapping[str, str]] = _NOTHING,
    suffering: Mapping[str, str] = _NOTHING,
) -> LabStatus:
    """Return what the engine found and, if they could be asked, what nodes say.

    Args:
        lab: Name of the lab.
        found: Its containers.
        down: Daemons that do not run, by node.
        missing: What was seen last of each condition that does not hold, by node.
        suffering: The state of each target of a fault that is not undone.
    """
    if not found:
        return LabStatus(lab=lab)
    nodes = tuple(
        NodeStatus(
            name=f.labels[NODE],
            role=f.labels[ROLE],
            site=f.labels[SITE],
            state=f.state,
            stem=f.labels[STEM],
            down=down.get(f.labels[NODE], ()),
            waiting=tuple(missing.get(f.labels[NODE], {}).items()),
        )
        for f in sorted(found, key=lambda f: f.labels[NODE])
    )
    labels = found[0].labels
    return LabStatus(
        lab=lab,
        topology=labels[TOPOLOGY],
        profile=labels[PROFILE],
        digest=labels[DIGEST],
        nodes=nodes,
        suffering=dict(suffering),
    )

"""What is known of a lab at a moment, as values for the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """One node.

    Attributes:
        state: Of its container, in the engine's words (`running`, `exited`, …).
        down: Daemons that do not run.
        waiting: (condition, what was seen last) for each that does not hold.
    """

    name: str
    role: str
    site: str
    state: str
    down: tuple[str, ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it runs and every condition holds."""
        return self.state == "running" and not self.down and not self.waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatus:
    """A lab; without nodes there is none of that name."""

    lab: str
    topology: str = ""
    profile: str = ""
    digest: str = ""
    nodes: tuple[NodeStatus, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it exists and every node is ready."""
        return bool(self.nodes) and all(node.ready for node in self.nodes)

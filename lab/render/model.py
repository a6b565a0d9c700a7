"""What rendering a daemon returns: everything about its node that depends on it."""

from __future__ import annotations

from dataclasses import dataclass

from lab.plan.model import Condition, File, Process


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A daemon's files, processes and needs.

    Attributes:
        files: Written before anything starts, below `/etc/lab/<daemon>/`.
        processes: In starting order; stopped in reverse.
        conditions: What must be true before the node counts as ready.
        tmpfs: Folders that it writes to, besides /etc/lab, /run and /tmp.
        capabilities: Beyond what setting the network up needs.
        memory_mb: Limit of the container.
    """

    files: tuple[File, ...]
    processes: tuple[Process, ...]
    conditions: tuple[Condition, ...]
    tmpfs: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    memory_mb: int = 128


def joined(*parts: Rendered) -> Rendered:
    """Return several daemons as one node's."""
    return Rendered(
        files=tuple(f for p in parts for f in p.files),
        processes=tuple(x for p in parts for x in p.processes),
        conditions=tuple(c for p in parts for c in p.conditions),
        tmpfs=tuple(dict.fromkeys(t for p in parts for t in p.tmpfs)),
        capabilities=tuple(dict.fromkeys(c for p in parts for c in p.capabilities)),
        memory_mb=sum(p.memory_mb for p in parts),
    )

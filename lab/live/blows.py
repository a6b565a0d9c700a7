"""What a fault asks of nodes, and something that can suffer one, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.scenario.model import FaultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One request to some nodes, as a part of a fault or of what undoes it.

    Attributes:
        do: Verb of the nodes' first processes.
        behind: Nobody outside may see it: it comes when all others are done.
    """

    do: str
    nodes: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    behind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that can suffer a fault.

    Attributes:
        kind: Which kind of target it is, in the plural.
        nodes: All that is in it; none of links and pairs, whose nodes are well.
        faults: The blows of each fault that it can suffer, each node hit once.
        watched: The nodes whose stamps tell when the outside saw a fault, where those
            are not all that are hit.
        undo: What undoes any of its faults, one after the other.
        marks: Files that are there in all nodes of `marked` in a state.
        exits: Of `nodes`, those whose cut links cut all of it off.
        service: Of `nodes`, those whose end alone is the end of the service.
        gates: Routers that can keep the target off the network, with its addresses.
        hears: Routers at ends of a link, with their addresses on it: what arrives
            there can be lost.
        why_not: Of faults that it cannot suffer here, and others of its kind can.
        process: What it is of each of `nodes`, if it is not all of them.
    """

    name: str
    nodes: tuple[str, ...]
    faults: Mapping[FaultKind, tuple[Blow, ...]]
    undo: tuple[Blow, ...]
    watched: Mapping[FaultKind, tuple[str, ...]] = field(default_factory=dict)
    marked: tuple[str, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    exits: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hears: Mapping[str, str] = field(default_factory=dict)
    why_not: Mapping[FaultKind, str] = field(default_factory=dict)
    process: str = ""
    kind: str = ""

"""Several targets that suffer at one instant, as one target. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TypeVar

from lab.errors import WrongUse
from lab.live.blows import Target

T = TypeVar("T")
#: Between their names.
AT_ONCE = "+"


def at_once(name: str, parts: Sequence[Target]) -> Target:
    """Return targets as one, which suffers what each of them can.

    Raises:
        WrongUse: Two of them need the same node, or are of different kinds.
    """
    for one, other in combinations(parts, 2):
        if (one.kind, one.process) != (other.kind, other.process):
            raise WrongUse(
                f'"{one.name}" and "{other.name}" are not alike: only targets of one '
                "kind, and only processes of one name, suffer at once"
            )
        # A node is asked one thing at an instant, and routers stand in for others.
        if both := _asked(one) & _asked(other):
            said = f'"{one.name}" and "{other.name}" both need'
            raise WrongUse(f"{said} {', '.join(sorted(both))}")
    first, *others = parts

    def every(of: Callable[[Target], tuple[T, ...]]) -> tuple[T, ...]:
        return tuple(thing for part in parts for thing in of(part))

    return replace(
        first,
        name=name,
        nodes=every(lambda part: part.nodes),
        faults={
            kind: tuple(blow for part in parts for blow in part.faults[kind])
            for kind in first.faults
            if all(kind in part.faults for part in others)
        },
        undo=every(lambda part: part.undo),
        watched={
            kind: tuple(node for part in parts for node in part.watched[kind])
            for kind in first.watched
            if all(kind in part.watched for part in others)
        },
        marked=every(lambda part: part.marked),
        exits=every(lambda part: part.exits),
        service=every(lambda part: part.service),
        gates={node: kept for part in parts for node, kept in part.gates.items()},
        hears={node: end for part in parts for node, end in part.hears.items()},
    )


def _asked(part: Target) -> set[str]:
    return {*part.nodes, *part.gates, *part.hears}

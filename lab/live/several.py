"""Several targets that suffer at one instant, as one target. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from lab.errors import WrongUse
from lab.live.blows import Target

T = TypeVar("T")
#: Between their names.
AT_ONCE = "+"


def at_once(name: str, parts: Sequence[Target]) -> Target:
    """Return targets as one, which suffers what each of them can.

    Raises:
        WrongUse: A node is in two of them, or they are of different kinds.
    """
    hit = [n for part in parts for n in (*part.nodes, *part.gates, *part.hears)]
    if len(set(hit)) < len(hit) or len({part.process for part in parts}) > 1:
        raise WrongUse(f'"{name}": only targets that share no node, and are alike')
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

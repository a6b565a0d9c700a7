"""The way of one request through all layers, as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One layer that the request met.

    Attributes:
        layer: `stub`, `resolver`, `authority`, `address`, `router`, `L4`, `L7`,
            `backend`.
        node: Where; "" for what is no node's.
        what: What it did, in words.
        took_ms: How long the user waited for it; None for what has no time of its own.
    """

    layer: str
    node: str
    what: str
    took_ms: float | None = None


def journey_table(hops: Sequence[Hop]) -> Table:
    """Return the way as a table, with the sum of what the user waited."""
    table = Table(box=None, header_style="bold")
    table.add_column("layer")
    table.add_column("node", no_wrap=True)
    table.add_column("what it did")
    table.add_column("ms", justify="right")
    for above, hop in zip((None, *hops), hops, strict=False):
        same = above is not None and above.layer == hop.layer
        table.add_row("" if same else hop.layer, hop.node, hop.what, _ms(hop.took_ms))
    table.add_section()
    waited_ms = sum(hop.took_ms for hop in hops if hop.took_ms is not None)
    table.add_row("", "", "the user waited", _ms(waited_ms))
    return table


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"

"""Round trips as measured at the start of a run, beside what links declare. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lab.history import EventKind, History
from lab.topology.distance import as_declared_s


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """A way, in milliseconds there and back.

    Attributes:
        here: Access network or transit.
        there: Region or transit.
        declared_ms: The least and the greatest, where routers may choose.
        rtt_ms: The least of some; None where nothing came back.
    """

    here: str
    there: str
    declared_ms: tuple[float, float]
    rtt_ms: float | None

    @property
    def as_declared(self) -> bool:
        """Whether it is as declared, within the lab's tolerance."""
        least, most = self.declared_ms
        low_s, high_s = as_declared_s(least / 1000, most / 1000)
        return self.rtt_ms is not None and low_s <= self.rtt_ms / 1000 <= high_s

    @property
    def declared(self) -> str:
        """What is declared, as text without its unit."""
        return " to ".join(f"{ms:g}" for ms in dict.fromkeys(self.declared_ms))

    @property
    def measured(self) -> str:
        """What was measured, likewise."""
        return "no reply" if self.rtt_ms is None else f"{self.rtt_ms:.1f}"


def round_trips(history: History) -> tuple[RoundTrip, ...]:
    """Return the ways that were measured, in that order; often none."""
    return tuple(
        RoundTrip(
            here=event.detail["from"],
            there=event.detail["to"],
            declared_ms=(
                event.detail["declared_ms"][0],
                event.detail["declared_ms"][1],
            ),
            rtt_ms=event.detail["rtt_ms"],
        )
        for event in history.events
        if event.kind is EventKind.RTT
    )

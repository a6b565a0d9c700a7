"""Figures about who serves a client from one request to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Who served an attempt, as an attempt tells.
Server = Literal["region", "l7", "backend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """Share of good replies by the one that served the same client just before.

    `renewed` counts only replies after a change of the DNS answer in between, or only
    those without.
    """

    cohorts: tuple[str, ...]
    during: str
    by: Server
    renewed: bool | None = None
    figure: Literal["Stays"] = "Stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class FewestMet:
    """How many regions, L7 nodes or backends served the client that met fewest."""

    cohorts: tuple[str, ...]
    during: str
    by: Server
    figure: Literal["FewestMet"] = "FewestMet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnected:
    """Share of clients with a kept connection that had to open another one."""

    cohorts: tuple[str, ...]
    during: str
    figure: Literal["Reconnected"] = "Reconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastServed:
    """Seconds from a fault to the start of the last attempt that a region served."""

    cohorts: tuple[str, ...]
    during: str
    region: str
    fault: str = "fault"
    figure: Literal["LastServed"] = "LastServed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAgain:
    """Seconds from a fault to the first reply, in a later step, of a backend."""

    cohorts: tuple[str, ...]
    during: str
    backend: str
    fault: str = "fault"
    figure: Literal["ServedAgain"] = "ServedAgain"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowsMoved:
    """Share of flows that another L7 node served after than before.

    Of all flows, or of those that a node did not serve, where one is `spared`.
    """

    cohorts: tuple[str, ...]
    before: str
    after: str
    spared: str = ""
    figure: Literal["FlowsMoved"] = "FlowsMoved"

"""Figures about what routers did, and who followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMoved:
    """Seconds from the last word of a fault's routers to a route's change.

    It leads past them all with as many changes as there were next hops among them: the
    first, unless told.
    """

    router: str
    prefix: str
    fault: str = "fault"
    changes: int = 1
    figure: Literal["RouteMoved"] = "RouteMoved"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLeft:
    """Seconds from a fault that leaves routers well to a route's first change."""

    router: str
    prefix: str
    fault: str = "fault"
    figure: Literal["RouteLeft"] = "RouteLeft"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChanges:
    """How often a prefix's route in a router changed, came or went."""

    router: str
    prefix: str
    during: str
    figure: Literal["RouteChanges"] = "RouteChanges"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutRoute:
    """Seconds, from a fault on, during which a router had no route to a prefix."""

    router: str
    prefix: str
    during: str
    fault: str = "fault"
    figure: Literal["WithoutRoute"] = "WithoutRoute"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodAfterRoute:
    """Seconds from that change to the end of the first good attempt after it."""

    cohorts: tuple[str, ...]
    during: str
    router: str
    prefix: str
    fault: str = "fault"
    changes: int = 1
    figure: Literal["GoodAfterRoute"] = "GoodAfterRoute"

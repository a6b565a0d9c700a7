"""How long a round trip between two networks takes, by declared delays. Pure.

Routes follow the fewest transits, as BGP does while nothing else tells paths apart
(RFC 4271, section 9.1.2.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Final

from lab.topology.model import Access, Region, Topology

#: How far a round trip may be from what is declared: the greater of the two.
TOLERANCE_S: Final = 0.002
TOLERANCE_SHARE: Final = 0.05


def transit_of(topology: Topology, name: str) -> str:
    """Return the transit of a region or an access network; a transit is its own.

    Raises:
        KeyError: There is no such network.
    """
    sites: tuple[Region | Access, ...] = (*topology.regions, *topology.access)
    of = {t.name: t.name for t in topology.transits}
    return {**of, **{site.name: site.transit for site in sites}}[name]


def round_trips_s(topology: Topology, here: str, there: str) -> tuple[float, float]:
    """Return the shortest and the longest declared round trip between two networks.

    They differ where several paths have the fewest transits: the routers' tie-breakers
    decide.

    Raises:
        KeyError: There is no such network, or no path.
    """
    start, end = transit_of(topology, here), transit_of(topology, there)
    paths: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while paths and not any(path[-1] == end for path in paths):
        seen |= {path[-1] for path in paths}
        paths = [
            (*path, after)
            for path in paths
            for after, _ in _neighbours(topology, path[-1])
            if after not in seen
        ]
    delays = [_delay_ms(topology, path) for path in paths if path[-1] == end]
    if not delays:
        raise KeyError(f"no path from {here} to {there}")
    return 2 * min(delays) / 1000, 2 * max(delays) / 1000


def farthest_s(topology: Topology) -> float:
    """Return the longest declared round trip between any two networks."""
    transits = [transit.name for transit in topology.transits]
    pairs = product(transits, transits)
    return max(round_trips_s(topology, here, there)[1] for here, there in pairs)


def round_trip_bounds_s(
    topology: Topology, here: str, there: str
) -> tuple[float, float, str]:
    """Return the least and the greatest round trip that is as declared, and why."""
    least, most = round_trips_s(topology, here, there)
    low, high = as_declared_s(least, most)
    why = (
        f"{1000 * most:g} ms declared between {here} and {there}, within "
        f"{1000 * TOLERANCE_S:g} ms or {TOLERANCE_SHARE:.0%}"
    )
    return low, high, why


def as_declared_s(least_s: float, most_s: float) -> tuple[float, float]:
    """Return between which bounds a round trip is as declared."""
    low, high = least_s - _tolerance_s(least_s), most_s + _tolerance_s(most_s)
    return max(0.0, low), high


def _tolerance_s(round_trip_s: float) -> float:
    return max(TOLERANCE_S, TOLERANCE_SHARE * round_trip_s)


def _neighbours(topology: Topology, transit: str) -> Iterator[tuple[str, float]]:
    for link in topology.links:
        if transit in link.between:
            other = next(t for t in link.between if t != transit)
            yield other, link.delay_ms


def _delay_ms(topology: Topology, path: tuple[str, ...]) -> float:
    return sum(
        dict(_neighbours(topology, here))[after] for here, after in pairwise(path)
    )

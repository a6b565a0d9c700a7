"""How far two networks are from each other, by declared links. Pure.

Routes follow the fewest transits, as BGP does while nothing else tells paths apart
(RFC 4271, section 9.1.2.2). A link sells the whole table; a peer at an exchange is
told of what hangs on its neighbour and no more, so peering is the last step of a way,
and a transit takes that step before one of the same length over a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from itertools import pairwise, product
from typing import Final

from lab.topology.model import Topology

#: How far a round trip may be from what is declared: the greater of the two.
TOLERANCE_S: Final = 0.002
TOLERANCE_SHARE: Final = 0.05


def transits_of(topology: Topology, name: str) -> tuple[str, ...]:
    """Return the transits of a region or an access network; a transit is its own.

    Raises:
        KeyError: There is no such network.
    """
    of = {
        **{t.name: (t.name,) for t in topology.transits},
        **{r.name: tuple(dict.fromkeys(r.uplinks)) for r in topology.regions},
        **{a.name: (a.transit,) for a in topology.access},
    }
    return of[name]


def transit_of(topology: Topology, name: str) -> str:
    """Return the transit of a network, the first one of a region that has several.

    Raises:
        KeyError: There is no such network.
    """
    return transits_of(topology, name)[0]


def reached(topology: Topology, here: str, among: Iterable[str]) -> frozenset[str]:
    """Return to which of several networks packets for an address of all of them get.

    More than one is a tie, which only the routers' tie-breakers decide; none, if no
    path leads to any.
    """
    there = {name: transits_of(topology, name) for name in among}
    ends = frozenset(end for of in there.values() for end in of)
    last = {path[-1] for path in _paths(topology, transits_of(topology, here), ends)}
    return frozenset(name for name, of in there.items() if last.intersection(of))


def round_trips_s(topology: Topology, here: str, there: str) -> tuple[float, float]:
    """Return the shortest and the longest declared round trip between two networks.

    They differ where several paths have the fewest transits: the routers' tie-breakers
    decide. The way back need not be the way there.

    Raises:
        KeyError: There is no such network, or no path.
    """
    one, other = transits_of(topology, here), transits_of(topology, there)
    delays = [
        [
            _delay_ms(topology, path)
            for path in _paths(topology, starts, frozenset(ends))
        ]
        for starts, ends in ((one, other), (other, one))
    ]
    if not all(delays):
        raise KeyError(f"no path from {here} to {there}")
    least, most = (sum(of(way) for way in delays) for of in (min, max))
    return least / 1000, most / 1000


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


def _paths(
    topology: Topology, starts: Iterable[str], ends: Set[str]
) -> list[tuple[str, ...]]:
    """Return the paths of the fewest transits, each as the transits that it passes."""
    paths: list[tuple[str, ...]] = [(start,) for start in starts]
    seen: set[str] = set()
    while paths and not any(path[-1] in ends for path in paths):
        seen |= {path[-1] for path in paths}
        paths = [
            (*path, after)
            for path in paths
            for after in _onward(topology, path[-1], ends)
            if after not in seen
        ]
    return [path for path in paths if path[-1] in ends]


def _onward(topology: Topology, transit: str, ends: Set[str]) -> frozenset[str]:
    """Return where packets go next: to peers, if the way ends there, else by links."""
    peers = frozenset(
        member
        for exchange in topology.ixps
        if transit in exchange.members
        for member in exchange.members
        if member != transit
    )
    return peers & ends or frozenset(_linked(topology, transit))


def _linked(topology: Topology, transit: str) -> dict[str, float]:
    """Return how many milliseconds away each transit at the end of a link is."""
    return {
        other: link.delay_ms
        for link in topology.links
        for one, other in (link.between, link.between[::-1])
        if one == transit
    }


def _delay_ms(topology: Topology, path: tuple[str, ...]) -> float:
    """Return how long a path is; an exchange has no length."""
    steps = pairwise(path)
    return sum(_linked(topology, here).get(after, 0) for here, after in steps)

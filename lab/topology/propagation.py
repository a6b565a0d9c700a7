"""Who knows which way to a service, and who hears when of another one. Pure.

Every transit has one best path: that over the fewest networks, as BGP has it while
nothing else tells paths apart (RFC 4271, section 9.1.2.2). It tells that to all its
neighbours but the one that it goes by, and takes none in which it stands itself: so a
network that prefers its neighbour's way keeps its own other way to itself, until that
one is gone. News take as long as their links; routers take no time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, pairwise

from lab.topology.distance import transits_of
from lab.topology.model import Topology

#: Regions that announce a prefix, each with how often more than once its own network
#: stands in the path.
Sites = Mapping[str, int]


class Undecided(ValueError):
    """Something else than the length of paths decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The networks that packets pass from here on, the region last."""

    networks: tuple[str, ...]
    prepended: int = 0

    @property
    def length(self) -> int:
        """How long BGP takes it for."""
        return len(self.networks) + self.prepended

    @property
    def region(self) -> str:
        """Where it ends."""
        return self.networks[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Another best path from a moment on, in seconds; or none."""

    at_s: float
    path: Path | None


def paths(topology: Topology, sites: Sites) -> dict[str, Path | None]:
    """Return the best path from each transit while all these sites announce.

    Raises:
        Undecided: Tie-breakers decide.
    """
    return _settled(topology, sites).best


def changes(
    topology: Topology, sites: Sites, *, lost: str
) -> dict[str, tuple[Change, ...]]:
    """Return how each transit's best path changes once a site is gone.

    Moments count from when the site's own transit has no route to it any more.

    Raises:
        Undecided: Tie-breakers decide.
    """
    network = _settled(topology, sites)
    return network.lose(lost)


def without_s(told: tuple[Change, ...]) -> float:
    """Return how long a transit has no path at all, until its last change."""
    return sum(
        after.at_s - before.at_s
        for before, after in pairwise(told)
        if before.path is None
    )


def settled_s(told: Mapping[str, tuple[Change, ...]], way: Path | None) -> float:
    """Return when the last transit on a way has changed for the last time."""
    networks = way.networks if way else ()
    return max((c.at_s for name in networks for c in told.get(name, ())), default=0.0)


def _settled(topology: Topology, sites: Sites) -> _Network:
    if topology.ixps:
        raise Undecided("peers at an exchange are told of some routes only")
    network = _Network(
        links={
            transit.name: {
                other: link.delay_ms / 1000
                for link in topology.links
                for here, other in (link.between, link.between[::-1])
                if here == transit.name
            }
            for transit in topology.transits
        }
    )
    for region, prepended in sites.items():
        path = Path(networks=(region,), prepended=prepended)
        for transit in transits_of(topology, region):
            network.tell(0.0, region, transit, path)
    for _ in network.heed():
        pass
    return network


@dataclass(slots=True, kw_only=True)
class _Network:
    """Transits, what each has heard from whom, and news still on their way."""

    links: Mapping[str, Mapping[str, float]]
    best: dict[str, Path | None] = field(default_factory=dict)
    _heard: dict[str, dict[str, Path]] = field(default_factory=dict)
    _news: list[tuple[float, int, str, str, Path | None]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.best = dict.fromkeys(self.links)
        self._heard = {name: {} for name in self.links}

    def tell(self, at_s: float, teller: str, hearer: str, path: Path | None) -> None:
        heappush(self._news, (at_s, next(self._order), teller, hearer, path))

    def lose(self, site: str) -> dict[str, tuple[Change, ...]]:
        for hearer, heard in self._heard.items():
            if site in heard:
                self.tell(0.0, site, hearer, None)
        told: dict[str, tuple[Change, ...]] = {}
        for name, change in self.heed():
            told[name] = (*told.get(name, ()), change)
        return told

    def heed(self) -> Iterator[tuple[str, Change]]:
        """Let all news arrive, and what follows from them; yield what changes."""
        while self._news:
            at_s, _, teller, hearer, path = heappop(self._news)
            heard = self._heard[hearer]
            heard.pop(teller, None)
            if path and hearer not in path.networks:
                heard[teller] = path
            before, after = self.best[hearer], self._choice(hearer)
            if after == before:
                continue
            self.best[hearer] = after
            for other, delay_s in self.links[hearer].items():
                hidden = after is None or other == after.networks[1]
                self.tell(at_s + delay_s, hearer, other, None if hidden else after)
            yield hearer, Change(at_s=at_s, path=after)

    def _choice(self, hearer: str) -> Path | None:
        known = sorted(self._heard[hearer].values(), key=lambda path: path.length)
        if not known:
            return None
        if len(known) > 1 and known[0].length == known[1].length:
            ways = " and ".join(path.region for path in known[:2])
            raise Undecided(f"{hearer} has paths of one length to {ways}")
        first = known[0]
        return Path(networks=(hearer, *first.networks), prepended=first.prepended)

"""Who serves an address that several regions may announce, and when others take over.

Pure. `lab.topology.propagation` knows who hears what when; here that becomes bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds
from lab.scenario.model import Bound
from lab.topology import propagation
from lab.topology.distance import TOLERANCE_SHARE, round_trips_s, transit_of
from lab.topology.hybrids import Hybrid, Technique
from lab.topology.model import Topology
from lab.topology.timers import STANDBY_TIMEOUT_MS, Announce
from lab.topology.values import Prefix

_LESS, _MORE = 1 - TOLERANCE_SHARE, 1 + TOLERANCE_SHARE


def standing_in(announce: Announce, *, round_trip_s: float) -> Bound:
    """Return when a region that stands by takes another one, so far away, for dead.

    A look takes two round trips while that lives, and no more than its timeout for
    each once it is dead; the next begins an interval after its end.
    """
    interval_s, timeout_s = announce.interval_ms / 1000, STANDBY_TIMEOUT_MS / 1000
    fall = announce.fall
    low = max(0.0, timeout_s - round_trip_s) + (fall - 1) * interval_s
    high = fall * (interval_s + timeout_s) + 2 * round_trip_s + bounds.IN_FLIGHT_S
    why = (
        f"{fall} bad looks in a row from {round_trip_s:g} s away, each up to "
        f"{timeout_s:g} s without a reply and {interval_s:g} s after the last: "
        f"{low:g} to {high:g} s"
    )
    return Bound(low_s=low, high_s=high, why=why)


@dataclass(frozen=True, kw_only=True)
class Rerouting:
    """What becomes of the anycast address, or of a hybrid's, when a region is lost.

    Attributes:
        hybrid: None for plain anycast.
    """

    topology: Topology
    lost: str
    hybrid: Hybrid | None = None

    @property
    def technique(self) -> Technique | None:
        """The hybrid's, None for plain anycast."""
        return self.hybrid.technique if self.hybrid else None

    @property
    def fallback(self) -> Prefix:
        """The prefix that leads to the others once the region is lost."""
        return (
            self.hybrid.announced[-1] if self.hybrid else self.topology.anycast.prefix
        )

    def serves(self, access: str) -> str:
        """Return the region that a network's users are served by while all are well.

        Raises:
            InvalidInput: It has no path, or tie-breakers decide.
        """
        way = self._paths(self._before)[transit_of(self.topology, access)]
        if way is None:
            self._refuse(f"{access} has no path to {', '.join(self._before)}")
        return way.region

    def moved(self, access: str) -> Bound:
        """Return when packets of users whom the lost region served reach another one.

        Raises:
            InvalidInput: Tie-breakers decide.
        """
        if self.technique is Technique.REACTIVE:
            return self._stood_in(access)
        transit = transit_of(self.topology, access)
        settled_s = propagation.settled_s(
            self._changes, self._paths(self._after)[transit]
        )
        beside = transit == transit_of(self.topology, self.lost)
        dark_s = self.dark_s if beside else 0.0
        silence = bounds.silence(self.topology.timers)
        return Bound(
            low_s=silence.low_s + _LESS * dark_s,
            high_s=silence.high_s + _MORE * settled_s,
            why=f"{silence.why}; {settled_s:g} s until everybody on the new way knows, "
            f"{dark_s:g} s of them without any route",
        )

    @cached_property
    def dark_s(self) -> float:
        """How long the lost region's transit has no route, once it has missed that.

        Until it hears of another way: who preferred the region through it has told it
        of none.
        """
        if self.technique is Technique.SUPERPREFIX:
            return 0.0
        return propagation.without_s(
            self._changes[transit_of(self.topology, self.lost)]
        )

    def dark(self) -> Bound:
        """Return the same as its kernel tells."""
        if self.technique is Technique.SUPERPREFIX:
            why = "the prefix around the lost one was there before"
            return Bound(low_s=0.0, high_s=0.0, why=why)
        if self.technique is Technique.REACTIVE:
            silence = bounds.silence(self.topology.timers)
            back = self._stood_in(transit_of(self.topology, self.lost))
            return Bound(
                low_s=max(0.0, back.low_s - silence.high_s - bounds.REMOVAL_S),
                high_s=back.high_s - silence.low_s + bounds.CONVERGENCE_S,
                why=f"{back.why}; of them {silence.low_s:g} to {silence.high_s:g} s "
                "in which nobody misses the region",
            )
        return Bound(
            low_s=max(0.0, _LESS * self.dark_s - bounds.REMOVAL_S),
            high_s=_MORE * self.dark_s + bounds.CONVERGENCE_S,
            why=f"{self.dark_s:g} s until the news has been to where another way is "
            f"known, and back, by declared delays; {bounds.REMOVAL_S:g} s less or "
            f"{bounds.CONVERGENCE_S:g} s more for the routers",
        )

    def _stood_in(self, access: str) -> Bound:
        """Return when one that stands by takes the region for dead, and is heard."""
        timers = self.topology.timers
        away_s = [round_trips_s(self.topology, o, self.lost)[1] for o in self._after]
        news_s = [round_trips_s(self.topology, o, access)[1] / 2 for o in self._after]
        seen = standing_in(timers.announce, round_trip_s=max(away_s))
        return Bound(
            low_s=seen.low_s + _LESS * min(news_s),
            high_s=seen.high_s + _MORE * max(news_s),
            why=f"{seen.why}; {max(news_s):g} s until {access} hears of it",
        )

    @property
    def _before(self) -> Mapping[str, int]:
        """Who announces the prefix that decides while all are well."""
        names = [region.name for region in self.topology.regions]
        if self.hybrid is None:
            return dict.fromkeys(names, 0)
        if self.hybrid.technique is Technique.PREPENDING:
            return {name: self.hybrid.prepended_by(name) for name in names}
        return {self.hybrid.primary: 0}

    @property
    def _after(self) -> Mapping[str, int]:
        """Who announces what is left."""
        others = (r.name for r in self.topology.regions if r.name != self.lost)
        hybrid = self.hybrid
        return {name: hybrid.prepended_by(name) if hybrid else 0 for name in others}

    @cached_property
    def _changes(self) -> Mapping[str, tuple[propagation.Change, ...]]:
        try:
            return propagation.changes(self.topology, self._before, lost=self.lost)
        except propagation.Undecided as undecided:
            self._refuse(str(undecided))

    def _paths(self, sites: Mapping[str, int]) -> Mapping[str, propagation.Path | None]:
        try:
            return propagation.paths(self.topology, sites)
        except propagation.Undecided as undecided:
            self._refuse(str(undecided))

    def _refuse(self, why: str) -> NoReturn:
        what = f"topology {self.topology.name}: {why}"
        allowed = "one in which the fewest networks decide"
        raise InvalidInput((Problem(what=what, allowed=allowed),))

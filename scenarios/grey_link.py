"""A link that is up and bad: who sees it depends on how it is bad.

Longer, it moves nobody: nothing on the way looks at the time. Lossy, it fails users and
passes for well, as long as BFD's losses do not come in a row. Lost in one direction, it
is missed by the end that hears nothing, and that one tells the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import ALPHA, share_bounds
from lab.scenario.figures import (
    ConnectTime,
    FailedShare,
    RouteChanges,
    ServedShare,
    Verdicts,
)
from lab.scenario.model import (
    Bound,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Restore,
    Scenario,
    Undo,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import as_declared_s, round_trips_s
from lab.topology.model import AnycastName, Failover, Region, Topology, TransitLink

INTERVAL_MS = 250
SLOW_S, LOSSY_S, AWAY_S = 4.0, 10.0, 2.0
#: BFD sends up to a quarter sooner than its interval (RFC 5880, section 6.8.7).
SOONEST = 0.75
#: Where no BFD looks, a link may be as bad as this.
UNSEEN = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("clients on either side", minimum=8)] = 16


def build(topology: Topology, knobs: Knobs) -> Scenario:
    told = _Grey(topology=topology, knobs=knobs)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(told.near, told.far),
        steps=(
            Prime(),
            told.slow,
            Observe(for_s=SLOW_S, label="slow"),
            Undo(target=told.slow.target, label="as long as before"),
            told.lossy,
            Observe(for_s=LOSSY_S, label="lossy"),
            Undo(target=told.lossy.target, label="without loss"),
            told.one_way,
            Observe(for_s=told.moved_s, label="one-way"),
            Observe(for_s=told.moved_s + AWAY_S, label="away"),
            Restore(),
        ),
        expectations=(
            *told.longer(),
            *told.losing(),
            *told.lost(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Grey:
    """A region, its uplink and the long way to it; users beside it and far from it."""

    topology: Topology
    knobs: Knobs

    @cached_property
    def region(self) -> Region:
        return pick.of_one_edge(self.topology, self._checked.regions[0])

    @cached_property
    def elsewhere(self) -> Region:
        return pick.region(self.topology, self._checked.regions[1])

    @cached_property
    def near(self) -> Cohort:
        return self._users(self.region, pick.name(self.topology, AnycastName))

    @cached_property
    def far(self) -> Cohort:
        return self._users(self.elsewhere, self._checked)

    @cached_property
    def long(self) -> TransitLink:
        return pick.long_link(self.topology, self._above, self.elsewhere.uplinks[0])

    @cached_property
    def slow(self) -> Fault:
        return Fault(
            kind=FaultKind.SLOW,
            target=self.long.name,
            extra_ms=self.long.delay_ms,
            label="longer",
        )

    @cached_property
    def lossy(self) -> Fault:
        return Fault(
            kind=FaultKind.LOSSY, target=self._uplink, loss=self.loss, label="loss"
        )

    @cached_property
    def one_way(self) -> Fault:
        target = f"{self._uplink}:{self.region.name}-edge"
        return Fault(kind=FaultKind.ONE_WAY, target=target, label="lost")

    @cached_property
    def loss(self) -> float:
        """As much as BFD overlooks for so long: it misses packets in a row alone."""
        bfd = self.topology.timers.bfd
        if not bfd.enabled:
            return UNSEEN
        sent = 2 * LOSSY_S / (SOONEST * bfd.interval_ms / 1000)
        seen: float = (ALPHA / sent) ** (1 / bfd.multiplier)
        return min(math.floor(1000 * seen) / 1000, UNSEEN)

    @cached_property
    def missed(self) -> Bound:
        """When users beside the region reach the next one, as after a cut."""
        cut = Fault(kind=FaultKind.ISOLATE, target=self.region.name)
        return common.recovery(self.topology, self.near, cut)

    @cached_property
    def moved_s(self) -> float:
        return self.missed.high_s + bounds.ATTEMPT_S

    def longer(self) -> Iterator[Measures]:
        extra_s = self.slow.extra_ms / 1000
        section = f"{self.long.name} takes {1000 * extra_s:g} ms more each way"
        least, most = round_trips_s(self.topology, self.far.access, self.region.name)
        low, high = as_declared_s(least + 2 * extra_s, most + 2 * extra_s)
        yield Measures(
            section=section,
            text=f"round trip of {self.far.access} to {self.region.name} (median)",
            figure=ConnectTime(cohorts=(self.far.name,), during="slow", percent=50),
            low=low,
            high=high,
            unit=Unit.MILLISECONDS,
            why=f"{1000 * most:g} ms declared, and twice {1000 * extra_s:g} ms",
        )
        yield self._served(
            section, self.far, "slow", self.region, "an answer says where, not how far"
        )
        yield self._failing(section, self.far, "slow", (0.0, 0.0), "late is not lost")
        yield Measures(
            section=section,
            text=f"providers that declare {self.region.name} down",
            figure=Verdicts(region=self.region.name, during="slow"),
            low=0,
            high=0,
            why="a check that passes late has passed",
        )
        yield self._route_changes(section, "slow", 0, "BGP does not look at the time")

    def losing(self) -> Iterator[Measures]:
        section = f"{self._uplink} loses {self.loss:.1%} of its packets either way"
        attempts = int((LOSSY_S - bounds.ATTEMPT_S) * 1000 / INTERVAL_MS)
        draws = self.knobs.clients * attempts
        no_way = 1 - (1 - self.loss) ** 2
        twice = 2 * self.loss**2
        low, _ = share_bounds(no_way, draws)
        _, high = share_bounds(1 - (1 - no_way) * (1 - twice), draws)
        yield self._failing(
            section,
            self.near,
            "lossy",
            (low, high),
            f"a first packet or its answer is lost: {no_way:.1%}; of the rest, at most "
            "a request or reply that is lost twice in a row; and chance",
        )
        yield self._served(
            section, self.near, "lossy", self.region, "nobody sends them elsewhere"
        )
        yield self._route_changes(section, "lossy", 0, self._overlooked())

    def lost(self) -> Iterator[Measures]:
        section = f"What {self.region.name}-edge sends over {self._uplink} is lost"
        yield common.fails_until(
            f"last request of {self.near.access} that fails",
            self.near,
            self.missed,
            self.one_way,
            section=section,
            during="one-way",
        )
        yield Measures(
            section=section,
            text=f"routes to {self.elsewhere.name} that {self.region.name}-edge loses",
            figure=RouteChanges(
                router=f"{self.region.name}-edge",
                prefix=str(self.elsewhere.prefix),
                during="one-way",
            ),
            low=1,
            high=1,
            why="it hears that it is not heard: BFD's state is in each of its packets",
        )
        yield self._served(
            section, self.near, "away", self.elsewhere, "the route has moved"
        )
        yield self._failing(
            section, self.near, "away", (0.0, 0.0), "the next region is well"
        )

    @cached_property
    def _checked(self) -> Failover:
        return pick.name(self.topology, Failover)

    @property
    def _above(self) -> str:
        """The transit that the region hangs on."""
        return self.region.uplinks[0]

    @property
    def _uplink(self) -> str:
        return f"{self.region.name}-uplink"

    def _overlooked(self) -> str:
        bfd = self.topology.timers.bfd
        if not bfd.enabled:
            return "nobody looks; BGP's own messages are repeated by TCP"
        return (
            f"BFD gives up when {bfd.multiplier} packets in a row are lost: at this "
            f"loss in one of {1 / ALPHA:.0f} runs"
        )

    def _route_changes(
        self, section: str, during: str, times: int, why: str
    ) -> Measures:
        return Measures(
            section=section,
            text=f"changes of {self._above}'s anycast route",
            figure=RouteChanges(
                router=self._above,
                prefix=str(self.topology.anycast.prefix),
                during=during,
            ),
            low=times,
            high=times,
            why=why,
        )

    def _served(
        self, section: str, cohort: Cohort, during: str, region: Region, why: str
    ) -> Measures:
        return Measures(
            section=section,
            text=f"good replies to {cohort.access} that are from {region.name}",
            figure=ServedShare(
                cohorts=(cohort.name,), during=during, region=region.name
            ),
            low=1.0,
            high=1.0,
            unit=Unit.PERCENT,
            why=why,
        )

    def _failing(
        self,
        section: str,
        cohort: Cohort,
        during: str,
        share: tuple[float, float],
        why: str,
    ) -> Measures:
        low, high = share
        return Measures(
            section=section,
            text=f"requests of {cohort.access} that fail"
            + (", once moved" if during == "away" else ""),
            figure=FailedShare(cohorts=(cohort.name,), during=during),
            low=low,
            high=high,
            unit=Unit.PERCENT,
            why=why,
        )

    def _users(self, beside: Region, name: AnycastName | Failover) -> Cohort:
        access = pick.beside(self.topology, beside)
        return pick.cohort(
            access,
            pick.honest_in(self.topology, access),
            name,
            clients=self.knobs.clients,
            interval_ms=INTERVAL_MS,
        )


SCENARIO = ScenarioFile(
    name="grey-link",
    title="A link that is up and bad: slow moves nobody, lossy is seen by users alone",
    questions=("Q14",),
    topology="two-region",
    knobs=Knobs,
    build=build,
)

"""The checkers' view is not the users' view: two partitions, one each way.

First the checkers lose sight of a region that users reach: everybody is sent away from
what works. Then users lose sight of a region that the checkers reach: nobody is sent
away from what does not, however long it lasts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.scenario import bounds, common, crowd, forecast, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import ConnectTime, FailedShare, LastServed, Verdicts
from lab.scenario.model import (
    EVERY_PROVIDER,
    Bound,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Restore,
    Scenario,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import round_trip_bounds_s
from lab.topology.model import Access, Failover, Region, Topology

CLIENTS, INTERVAL_MS = 12, 250
AWAY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    age_s: Annotated[
        float, Knob("age of cached answers when checkers go blind", minimum=1)
    ] = 4.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    told = _Views(topology=topology, knobs=knobs)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(told.near, told.far),
        steps=(
            Prime(),
            told.blind,
            Observe(for_s=told.moved_s, label="blind"),
            Observe(for_s=told.moved_s + AWAY_S, label="away"),
            Restore(),
            Prime(),
            told.unseen,
            Observe(for_s=told.moved_s, label="unseen"),
            Restore(),
        ),
        expectations=(
            *told.sent_away(),
            *told.kept_there(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Views:
    """A region, who checks it, and users beside it and far from it."""

    topology: Topology
    knobs: Knobs

    @cached_property
    def name(self) -> Failover:
        return pick.name(self.topology, Failover)

    @cached_property
    def region(self) -> Region:
        return pick.region(self.topology, self.name.regions[0])

    @cached_property
    def near(self) -> Cohort:
        return self._users(pick.beside(self.topology, self.region))

    @cached_property
    def far(self) -> Cohort:
        elsewhere = pick.region(self.topology, self.name.regions[1])
        return self._users(pick.beside(self.topology, elsewhere))

    @cached_property
    def blind(self) -> Fault:
        return Fault(
            kind=FaultKind.PARTITION,
            target=f"{self.region.name}:{EVERY_PROVIDER}",
            at_age_s=crowd.age_or_third(self.topology, self.knobs.age_s),
            label="checkers",
        )

    @cached_property
    def unseen(self) -> Fault:
        access = next(a for a in self.topology.access if a.name == self.near.access)
        target = f"{self.region.name}:{access.clients.name}"
        return Fault(kind=FaultKind.PARTITION, target=target, label="users")

    @cached_property
    def moved_s(self) -> float:
        """When everybody would have been sent elsewhere, if anybody is."""
        return self._moved().high_s + bounds.ATTEMPT_S

    def sent_away(self) -> Iterator[Measures]:
        section = f"The checkers lose sight of {self.region.name}, which users reach"
        providers = len(self.topology.zone.providers)
        yield Measures(
            section=section,
            text="providers that declare it down",
            figure=Verdicts(region=self.region.name, during="blind"),
            low=providers,
            high=providers,
            why="a check tells whether the checker reaches it, and nothing else",
        )
        moved = self._moved()
        yield Measures(
            section=section,
            text="the last request that it serves",
            figure=LastServed(
                cohorts=(self.near.name,),
                during="blind",
                region=self.region.name,
                fault="checkers",
            ),
            low=moved.low_s,
            high=moved.high_s,
            unit=Unit.SECONDS,
            why=f"though it is well: {moved.why}",
        )
        low, high, declared = round_trip_bounds_s(
            self.topology, self.near.access, self.name.regions[1]
        )
        yield Measures(
            section=section,
            text="round trip of its neighbours to where they are sent (median)",
            figure=ConnectTime(cohorts=(self.near.name,), during="away", percent=50),
            low=low,
            high=high,
            unit=Unit.MILLISECONDS,
            why=declared,
        )
        yield self._failing(
            section,
            "requests that fail",
            (self.near, self.far),
            "blind",
            0.0,
            "both regions are well: the mistake costs time, and nothing breaks",
        )

    def kept_there(self) -> Iterator[Measures]:
        section = f"Users lose sight of {self.region.name}, which the checkers reach"
        yield Measures(
            section=section,
            text="providers that declare it down",
            figure=Verdicts(region=self.region.name, during="unseen"),
            low=0,
            high=0,
            why="their checks pass: nobody checks from where the users are",
        )
        for cohort, share, why in (
            (self.near, 1.0, "no check will ever see it, so no answer changes"),
            (self.far, 0.0, "their way there is another one"),
        ):
            yield self._failing(
                section,
                f"requests of {cohort.access} that fail",
                (cohort,),
                "unseen",
                share,
                why,
            )

    def _moved(self) -> Bound:
        leaves = forecast.leaves_within(self.topology, self.near, self.blind)
        return common.failing(leaves, self.near)

    def _failing(
        self,
        section: str,
        text: str,
        cohorts: tuple[Cohort, ...],
        during: str,
        share: float,
        why: str,
    ) -> Measures:
        return Measures(
            section=section,
            text=text,
            figure=FailedShare(cohorts=tuple(c.name for c in cohorts), during=during),
            low=share,
            high=share,
            unit=Unit.PERCENT,
            why=why,
        )

    def _users(self, access: Access) -> Cohort:
        resolver = pick.honest_in(self.topology, access)
        return pick.cohort(
            access, resolver, self.name, clients=CLIENTS, interval_ms=INTERVAL_MS
        )


SCENARIO = ScenarioFile(
    name="partial-view",
    title="A check tells what the checker reaches: users may reach more, or less",
    questions=("Q7", "Q14"),
    topology="two-region",
    knobs=Knobs,
    build=build,
)

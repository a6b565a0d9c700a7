"""A site of an anycast address is to be shut down: with or without a word before.

Its transit has no other route, because its only neighbour sends packets here as well
and so tells it of none. Taken back at once, the route is gone until that neighbour has
heard, chosen again and told: for as long, every user behind that transit is answered
"unreachable". With the community of RFC 8326 on it the route becomes everybody's last
choice instead, stays good until another is there, and may then go unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import (
    Failures,
    LastServed,
    Requests,
    ServedShare,
    WithoutRoute,
)
from lab.scenario.model import (
    Behaviour,
    Bound,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Restore,
    Scenario,
    Step,
    Unit,
)
from lab.scenario.rerouting import Rerouting
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import transit_of
from lab.topology.model import AnycastName, Topology

CLIENTS = 50
STEADY_S, BACK_S = 1.0, 1.0
#: Without a word before, and with one.
WAYS = {
    FaultKind.WITHDRAW: "withdrawn at once",
    FaultKind.DRAIN: "marked first, shut down later (RFC 8326)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    target: Annotated[str, Knob("the site's region; the first unless set")] = ""
    rate: Annotated[int, Knob("requests of all users in a second", minimum=50)] = 300
    ahead_s: Annotated[float, Knob("from the word to the shutdown", minimum=1)] = 2.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    region = pick.region(topology, knobs.target)
    access = pick.beside(topology, region)
    users = pick.cohort(
        access,
        pick.honest_in(topology, access),
        pick.name(topology, AnycastName),
        Behaviour.FIRST_ADDRESS,
        clients=CLIENTS,
        interval_ms=1000 * CLIENTS // knobs.rate,
    )
    told = _Shutdowns(topology=topology, region=region.name, users=users, knobs=knobs)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(users,),
        steps=(
            Prime(),
            Observe(for_s=STEADY_S, label="steady"),
            *(step for kind in WAYS for step in told.steps(kind)),
        ),
        expectations=(
            *told.serving(),
            *told.going(),
            *told.losing(),
            *told.leaving(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Shutdowns:
    """One site, shut down in two ways, and what its users see of each."""

    topology: Topology
    region: str
    users: Cohort
    knobs: Knobs

    @property
    def transit(self) -> str:
        return transit_of(self.topology, self.region)

    @cached_property
    def dark(self) -> Bound:
        """How long that has no route if the site's is taken away at once."""
        return Rerouting(topology=self.topology, lost=self.region).dark()

    def gap(self, kind: FaultKind) -> Bound:
        """The same for each way to shut down."""
        heeded = self.topology.timers.bgp.heeds_graceful_shutdown
        if kind is FaultKind.DRAIN and heeded:
            why = "a last choice, and good until another is there"
            return Bound(low_s=0.0, high_s=0.0, why=why)
        return self.dark

    def steps(self, kind: FaultKind) -> tuple[Step, ...]:
        ahead_s = self.knobs.ahead_s if kind is FaultKind.DRAIN else 0.0
        watch_s = ahead_s + self.dark.high_s + 2 * bounds.ATTEMPT_S
        return (
            Fault(kind=kind, target=self.region, label=kind, drain_s=ahead_s),
            Observe(for_s=watch_s, label=_after(kind)),
            Restore(),
            Observe(for_s=BACK_S, label=_back(kind)),
        )

    def serving(self) -> Iterator[Measures]:
        for during in ("steady", *map(_back, WAYS)):
            yield Measures(
                section=f"Served by {self.region}",
                text=during,
                figure=ServedShare(
                    cohorts=(self.users.name,), during=during, region=self.region
                ),
                low=1.0,
                high=1.0,
                unit=Unit.PERCENT,
                why="the way to it is the shortest",
            )

    def going(self) -> Iterator[Measures]:
        for kind in WAYS:
            gap = self.gap(kind)
            yield Measures(
                section=f"{self.transit} has no route",
                text=WAYS[kind],
                figure=WithoutRoute(
                    router=self.transit,
                    prefix=str(self.topology.anycast.prefix),
                    during=_after(kind),
                    fault=kind,
                ),
                low=gap.low_s,
                high=gap.high_s,
                unit=Unit.MILLISECONDS,
                why=gap.why,
            )

    def losing(self) -> Iterator[Measures]:
        rate = self.knobs.rate
        section = "Requests lost"
        for kind in WAYS:
            gap = self.gap(kind)
            under_way_s = bounds.IN_FLIGHT_S if gap.high_s else 0.0
            yield Measures(
                section=section,
                text=WAYS[kind],
                figure=Failures(
                    cohorts=(self.users.name,), during=_after(kind), fault=kind
                ),
                low=float(int(rate * gap.low_s)),
                high=rate * (gap.high_s + under_way_s),
                why=f"{rate} in a second, and those of {under_way_s:g} s that were "
                f"under way; {gap.why}",
            )
        yield Measures(
            section=section,
            text=f"of so many, {WAYS[FaultKind.DRAIN]}",
            figure=Requests(cohorts=(self.users.name,), during=_after(FaultKind.DRAIN)),
            low=rate * self.knobs.ahead_s,
            high=None,
            why=f"{rate} in a second, for {self.knobs.ahead_s:g} s and more",
        )

    def leaving(self) -> Iterator[Measures]:
        """Yield when the marked route is left: as soon as another one is known."""
        drained = FaultKind.DRAIN
        if not self.topology.timers.bgp.heeds_graceful_shutdown:
            return
        pace_s = self.users.interval_ms / 1000
        yield Measures(
            section=f"The last request that {self.region} serves after the word",
            text=WAYS[drained],
            figure=LastServed(
                cohorts=(self.users.name,),
                during=_after(drained),
                region=self.region,
                fault=drained,
            ),
            low=max(0.0, self.dark.low_s - pace_s),
            high=self.dark.high_s,
            unit=Unit.SECONDS,
            why=f"{self.dark.why}; the shutdown comes {self.knobs.ahead_s:g} s after "
            "the word",
        )


def _after(kind: FaultKind) -> str:
    return f"after {kind}"


def _back(kind: FaultKind) -> str:
    return f"back from {kind}"


SCENARIO = ScenarioFile(
    name="graceful-shutdown",
    title="Marked as going, a route is left before it goes; just gone, it is missed",
    questions=("Q11",),
    topology="hybrids",
    knobs=Knobs,
    build=build,
)

"""A region dies, and the other gets all users: does it hold, and if not, what is left?

Both regions are loaded alike, by anycast. First the one dies, then the other. The
survivor has either room for everybody or not; and where it has not, one refuses what
it cannot serve, and the other lets everybody wait, health checks included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import common, load, pick, withdrawal
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import FailedShare, RouteChanges
from lab.scenario.model import (
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
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import transit_of
from lab.topology.model import (
    AnycastName,
    Beyond,
    Region,
    ResolverBehaviour,
    Topology,
)
from lab.topology.timers import Depth

INTERVAL_MS = 500
#: Until the routes have moved and what a backend takes at once is used up.
MOVING_S = 3.0
SETTLED_S = 8.0
USUAL_S = 2.0
#: How much more is lost, at least, by those who wait than by those who are refused.
WORSE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    headroom: Annotated[
        float, Knob("a region's capacity over its usual load", minimum=1)
    ] = 1.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    one, other = pick.pair(topology)
    loads_rps = {r: load.usual_rps(r, knobs.headroom) for r in (one, other)}
    watch = {
        region: _users(topology, region, rate_rps)
        for region, rate_rps in loads_rps.items()
    }
    offered_rps = sum(loads_rps.values())
    told = [
        _Shock(
            topology=topology,
            dies=dies,
            survives=survives,
            users=tuple(watch.values()),
            offered_rps=offered_rps,
        )
        for dies, survives in ((other, one), (one, other))
    ]
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(watch.values()),
        steps=(
            Prime(),
            Observe(for_s=USUAL_S, label="usual"),
            *(step for shock in told for step in shock.steps()),
        ),
        expectations=(
            _well(tuple(watch.values()), loads_rps),
            *(e for shock in told for e in shock.expectations()),
            *common.lab_itself(topology),
        ),
    )


def _users(topology: Topology, region: Region, rate_rps: float) -> Cohort:
    access = pick.beside(topology, region)
    resolver = pick.resolver(
        topology, ResolverBehaviour.HONEST, where=lambda r: r in access.resolvers
    )
    return pick.cohort(
        access,
        resolver,
        pick.name(topology, AnycastName),
        clients=round(rate_rps * INTERVAL_MS / 1000),
        interval_ms=INTERVAL_MS,
    )


def _well(users: tuple[Cohort, ...], loads_rps: dict[Region, float]) -> Measures:
    told = ", ".join(
        f"{region.name} {rate_rps:g} of {load.capacity_rps(region)}"
        for region, rate_rps in loads_rps.items()
    )
    return Measures(
        section="Before anything dies",
        text="requests that fail",
        figure=FailedShare(cohorts=tuple(c.name for c in users), during="usual"),
        low=0.0,
        high=0.0,
        unit=Unit.PERCENT,
        why=f"requests a second: {told}",
    )


@dataclass(frozen=True, kw_only=True)
class _Shock:
    """One region dies, and the other gets all users."""

    topology: Topology
    dies: Region
    survives: Region
    users: tuple[Cohort, ...]
    offered_rps: float

    @property
    def label(self) -> str:
        return f"without {self.dies.name}"

    def steps(self) -> tuple[Step, ...]:
        fault = Fault(
            kind=FaultKind.POWER_OFF, target=self.dies.name, label=f"-{self.dies.name}"
        )
        return (
            fault,
            Observe(for_s=MOVING_S, label=f"moving from {self.dies.name}"),
            Observe(for_s=MOVING_S + SETTLED_S, label=self.label),
            Restore(),
        )

    def expectations(self) -> Iterator[Measures]:
        able_rps = load.capacity_rps(self.survives)
        excess = load.excess(self.offered_rps, self.survives)
        queues = any(b.beyond is Beyond.QUEUE for b in self.survives.backends)
        announce = self.topology.announce_of(self.survives.name)
        asked = withdrawal.is_withdrawn(announce, Depth.REGION)
        section = (
            f"{self.survives.name} alone: {self.offered_rps:g} requests a second, "
            f"of which it serves {able_rps}"
        )
        low, high = 0.0, 0.0
        changes: tuple[int, int | None] = (0, 0)
        why = "it has room for everybody"
        if excess and not queues:
            low, high = excess - load.SHARE, excess + load.SHARE
            why = f"it refuses what is too much, {excess:.0%}, and serves the rest"
        if excess and queues:
            low, high = min(1.0, excess + WORSE), 1.0
            changes = (1, None) if asked else (0, 0)
            why = (
                "whoever waits longer than a client does is served for nobody; checks "
                "wait in the same line, so whoever asks a backend gives the region up"
            )
        yield Measures(
            section=section,
            text="requests that fail",
            figure=FailedShare(
                cohorts=tuple(c.name for c in self.users), during=self.label
            ),
            low=low,
            high=high,
            unit=Unit.PERCENT,
            why=why,
        )
        transit = transit_of(self.topology, self.survives.name)
        yield Measures(
            section=section,
            text=f"changes of the route to it at {transit}: the cascade",
            figure=RouteChanges(
                router=transit,
                prefix=str(self.topology.anycast.prefix),
                during=self.label,
            ),
            low=changes[0],
            high=changes[1],
            why="a region that answers its checks, or is not asked, keeps its route"
            if changes[1] == 0
            else "withdrawn when its checks fail; announced again once the line is "
            "empty, and everybody is back",
        )


SCENARIO = ScenarioFile(
    name="capacity-shock",
    title="Without headroom a failover moves the outage; shedding keeps half a service",
    questions=("Q15",),
    topology="surge",
    knobs=Knobs,
    build=build,
    variants=("headroom=2",),
)

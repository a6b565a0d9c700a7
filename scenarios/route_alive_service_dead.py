"""The route is alive and the service behind it is dead: how far down did anybody look?

Four regions announce one address, each while what its L4 nodes look at is well: their
own balancer, an L7 node, a backend's shallow check, or its deep one. Then the same
layer dies in all four at once. Whoever looked so far down withdraws, and users are back
in about a second; whoever did not attracts them to nothing for as long as one watches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, common, forecast, pick, withdrawal
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import FailedShare, RouteChanges, RouteLeft
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
    Step,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import transit_of
from lab.topology.l4 import L4Kind
from lab.topology.model import AnycastName, Region, ResolverBehaviour, Topology
from lab.topology.timers import Announce, Depth

#: What a reader of the table is told of each depth.
SIGHT = {
    Depth.NODE: "node: its own balancer",
    Depth.POP: "pop: an L7 node, too",
    Depth.REGION: "region: a backend, too",
    Depth.DEEP: "deep: what users get",
}
INTERVAL_MS = 200
STEADY_S = 1.0
#: How long to look beyond the last recovery.
LATE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("clients beside each region", minimum=1)] = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """What dies in every region.

    Attributes:
        words: What a reader is told.
        layer: How far down it is.
        parts: Names of what dies in a region; `{}` is for the region's.
    """

    words: str
    layer: Depth
    kind: FaultKind
    parts: tuple[str, ...] = ("{}",)


def build(topology: Topology, knobs: Knobs) -> Scenario:
    told = _Deaths(topology=topology, clients=knobs.clients)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(told.users.values()),
        steps=(
            Prime(),
            Observe(for_s=STEADY_S, label="steady"),
            *(step for death in told.deaths for step in told.steps(death)),
        ),
        expectations=(
            told.well(),
            *(row for death in told.deaths for row in told.side_by_side(death)),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Deaths:
    """The regions that have users of their own, and what dies in all of them."""

    topology: Topology
    clients: int

    @cached_property
    def users(self) -> dict[Region, Cohort]:
        """The users beside each region, who have somewhere else to go."""
        resolver = pick.resolver(self.topology, ResolverBehaviour.HONEST)
        name = pick.name(self.topology, AnycastName)
        users = {}
        for access in self.topology.access:
            near = forecast.catchment(self.topology, access.name)
            if len(near) == 1 and pick.serves(self.topology, resolver, access):
                users[self.topology.region(min(near))] = pick.cohort(
                    access,
                    resolver,
                    name,
                    clients=self.clients,
                    interval_ms=INTERVAL_MS,
                )
        if not users or len(users) == len(self.topology.regions):
            what = f"topology {self.topology.name} has not what this scenario needs"
            allowed = "one with a region that is nobody's, and others with users"
            raise InvalidInput((Problem(what=what, allowed=allowed),))
        return users

    @cached_property
    def deaths(self) -> tuple[Death, ...]:
        proxies = all(r.l4_kind is L4Kind.PROXY for r in self.users)
        most_l4 = {region.l4 for region in self.users}
        most_l7 = {region.l7 for region in self.users}
        if not proxies or len(most_l4) > 1 or len(most_l7) > 1:
            what = f"topology {self.topology.name}: its regions are not built alike"
            allowed = "as many L4 nodes, all proxies, and as many L7 nodes in each"
            raise InvalidInput((Problem(what=what, allowed=allowed),))
        l4 = tuple(f"{{}}-l4-{n + 1}/envoy" for n in range(*most_l4))
        l7 = tuple(f"{{}}-l7-{n + 1}" for n in range(*most_l7))
        crash = FaultKind.CRASH
        return (
            Death(words="L4 proxy dead", layer=Depth.NODE, kind=crash, parts=l4),
            Death(words="L7 dead", layer=Depth.POP, kind=crash, parts=l7),
            Death(words="backends dead", layer=Depth.REGION, kind=FaultKind.APP_DEAD),
            Death(
                words="backends fail users", layer=Depth.DEEP, kind=FaultKind.BROWN_OUT
            ),
        )

    def fault(self, death: Death) -> Fault:
        every = (part.format(r.name) for r in self.users for part in death.parts)
        return Fault(kind=death.kind, target="+".join(every), label=death.words)

    def steps(self, death: Death) -> Iterator[Step]:
        last_s = max(self.recovery(region).high_s for region in self.users)
        yield self.fault(death)
        yield Observe(for_s=last_s + bounds.ATTEMPT_S + LATE_S, label=_after(death))
        yield Restore()

    def announce(self, region: Region) -> Announce:
        return self.topology.announce_of(region.name)

    def sees(self, region: Region, death: Death) -> bool:
        return withdrawal.is_withdrawn(self.announce(region), death.layer)

    def recovery(self, region: Region) -> Bound:
        """Return when users are elsewhere, if their region sees what died."""
        return withdrawal.anycast_recovery(
            self.topology.timers,
            FaultKind.APP_DEAD,
            interval_s=INTERVAL_MS / 1000,
            asking_s=forecast.asking_s(self.topology, self.users[region]),
        )

    def well(self) -> Measures:
        return Measures(
            section="Before anything dies",
            text="requests that fail",
            figure=FailedShare(
                cohorts=tuple(c.name for c in self.users.values()), during="steady"
            ),
            low=0.0,
            high=0.0,
            unit=Unit.PERCENT,
            why="all regions are well, and each announces",
        )

    def side_by_side(self, death: Death) -> Iterator[Measures]:
        """Yield what becomes of each region's route, and of its users, by depth."""
        for region in self.users:
            seen = self.withdrawn if self.sees(region, death) else self.left_alone
            for figure in seen(region, death):
                depth = SIGHT[self.announce(region).depth]
                yield replace(figure, section=death.words, column=depth)

    def withdrawn(self, region: Region, death: Death) -> Iterator[Measures]:
        """Yield when the users' transit has another route, and when they are back."""
        looks = withdrawal.health_withdrawal(self.announce(region))
        cohort = self.users[region]
        yield Measures(
            text=f"{region.name}: route leaves",
            figure=RouteLeft(
                router=transit_of(self.topology, cohort.access),
                prefix=str(self.topology.anycast.prefix),
                fault=death.words,
            ),
            low=max(0.0, looks.low_s - bounds.IN_FLIGHT_S),
            high=looks.high_s + bounds.CONVERGENCE_S,
            unit=Unit.SECONDS,
            why=f"{looks.why}, one under way at the time among them; "
            f"+ {bounds.CONVERGENCE_S:g} s for the routes",
        )
        yield common.fails_until(
            f"{region.name}: last failure",
            cohort,
            self.recovery(region),
            self.fault(death),
            section=death.words,
            during=_after(death),
        )

    def left_alone(self, region: Region, death: Death) -> Iterator[Measures]:
        """Yield that the route is alive, and that everybody who follows it fails."""
        cohort, blind = self.users[region], self.blind(region, death)
        yield Measures(
            text=f"{region.name}: route changes",
            figure=RouteChanges(
                router=transit_of(self.topology, cohort.access),
                prefix=str(self.topology.anycast.prefix),
                during=_after(death),
            ),
            low=0,
            high=0,
            why=blind,
        )
        yield Measures(
            text=f"{region.name}: requests failing",
            figure=FailedShare(cohorts=(cohort.name,), during=_after(death)),
            low=1.0,
            high=1.0,
            unit=Unit.PERCENT,
            why=f"{blind}: the route leads to nobody",
        )

    def blind(self, region: Region, death: Death) -> str:
        announce = self.announce(region)
        if not announce.bound:
            return "what is seen is not heeded"
        return f"{announce.depth} is not so far down as {death.layer}"


def _after(death: Death) -> str:
    return f"after {death.words}"


SCENARIO = ScenarioFile(
    name="route-alive-service-dead",
    title="A route is as honest as its check is deep: what nobody looks at stays dead",
    questions=("Q11", "Q14"),
    topology="depths",
    knobs=Knobs,
    build=build,
)

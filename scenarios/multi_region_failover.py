"""Failover by DNS, as one would design it first: what breaks when a region dies?

Two regions, answers by place and client subnet, deep health checks, a moderate TTL,
and the dead region taken out of the answers. All of it works, and every item of the
list is measured in the same run: who was in the wrong place before, who keeps coming
to the dead address and for how long, what the survivor is asked for all at once, how
far away it is, and whether it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.scenario import bounds, common, crowd, forecast, load, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import (
    ConnectTime,
    FailedShare,
    LastSent,
    PeakArrivals,
    PeakAskers,
    ServedShare,
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
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import round_trip_bounds_s
from lab.topology.model import Access, Region, ResolverBehaviour, Topology

FEW = crowd.Pace(clients=2, interval_ms=500)
CROWD_MS = 1000
#: How far a share of attempts may be from that of clients: each counts whole ones.
WHOLE = 0.1
#: How long users are watched once everybody has moved.
SETTLED_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    headroom: Annotated[
        float, Knob("a region's capacity over its usual load", minimum=1)
    ] = 1.0
    age_s: Annotated[float, Knob("age of cached answers then; else TTL / 3")] = 0.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    age_s = crowd.age_or_third(topology, knobs.age_s)
    dies, survives = pick.pair(topology)
    design = _Design(
        topology=topology,
        dies=dies,
        survives=survives,
        headroom=knobs.headroom,
        fault=Fault(kind=FaultKind.POWER_OFF, target=dies.name, at_age_s=age_s),
    )
    moved_s = design.moved_s
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=design.watch,
        steps=(
            Prime(),
            Observe(for_s=age_s - crowd.BEFORE_FAULT_S, label="usual"),
            design.fault,
            Observe(for_s=moved_s, label="tail"),
            Observe(for_s=moved_s + SETTLED_S, label="after"),
            Restore(),
        ),
        expectations=(
            *design.drift(),
            *design.stale_tail(),
            *design.herd(),
            *design.latency(),
            *design.capacity(),
            *crowd.detected(topology, design.fault),
            crowd.nothing_else(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Design:
    """Who uses the service by DNS alone, and what becomes of them."""

    topology: Topology
    dies: Region
    survives: Region
    headroom: float
    fault: Fault

    @cached_property
    def near(self) -> Access:
        """Whose users lose their region."""
        return pick.beside(self.topology, self.dies)

    @cached_property
    def few(self) -> dict[str, Cohort]:
        """A few users of each kind of resolver and client, by what keeps them."""
        own, home = self.near.resolvers, pick.honest_in(self.topology, self.near)
        kinds = {
            "a resolver that clamps": ResolverBehaviour.CLAMPING,
            "a resolver that serves stale": ResolverBehaviour.SERVE_STALE,
        }
        asked = {
            kind: pick.resolver(self.topology, behaviour, where=lambda r: r in own)
            for kind, behaviour in kinds.items()
        }
        by_resolver = {
            kind: self._users(self.near, r.name, FEW) for kind, r in asked.items()
        }
        pinned = self._users(self.near, home.name, FEW, Behaviour.PINNED)
        return {**by_resolver, "a client that pins": pinned}

    @cached_property
    def strays(self) -> Cohort:
        """Those whose resolver is far away and tells no subnet."""
        far = pick.resolver(self.topology, ResolverBehaviour.NO_ECS)
        return self._users(self.near, far.name, FEW)

    @cached_property
    def told(self) -> Cohort:
        """Those whose resolver is as far away and tells their subnet."""
        far = pick.resolver(self.topology, ResolverBehaviour.ECS)
        return self._users(self.near, far.name, FEW)

    @cached_property
    def herd_there(self) -> Cohort:
        """All others who lose their region: they fill it up, as far as it is used."""
        others = (*self.few.values(), self.told)
        rate_rps = load.usual_rps(self.dies, self.headroom) - load.rate_rps(others)
        return self._crowd(self.near, rate_rps)

    @cached_property
    def herd_here(self) -> Cohort:
        """Those who use the survivor anyway."""
        rate_rps = load.usual_rps(self.survives, self.headroom)
        rate_rps -= load.rate_rps((self.strays,))
        return self._crowd(pick.beside(self.topology, self.survives), rate_rps)

    @cached_property
    def lost(self) -> tuple[Cohort, ...]:
        """Everybody who is served by the region that dies."""
        return (self.herd_there, *self.few.values(), self.told)

    @property
    def watch(self) -> tuple[Cohort, ...]:
        """Everybody."""
        return (*self.lost, self.strays, self.herd_here)

    def _crowd(self, access: Access, rate_rps: float) -> Cohort:
        resolver = pick.honest_in(self.topology, access)
        clients = round(rate_rps * CROWD_MS / 1000)
        pace = crowd.Pace(clients=clients, interval_ms=CROWD_MS)
        return self._users(access, resolver.name, pace)

    def _users(
        self,
        access: Access,
        resolver: str,
        pace: crowd.Pace,
        behaviour: Behaviour = Behaviour.FIRST_ADDRESS,
    ) -> Cohort:
        return pick.cohort(
            access,
            forecast.resolver_named(self.topology, resolver),
            pick.steered(self.topology),
            behaviour,
            clients=pace.clients,
            interval_ms=pace.interval_ms,
        )

    def leaves(self, cohort: Cohort) -> Bound:
        """Return when the last of a cohort has left the dead region's address."""
        bound = common.recovery(self.topology, cohort, self.fault)
        resolver = forecast.resolver_named(self.topology, cohort.resolver)
        if bounds.tells_stale_first(resolver):
            bound = bounds.stale_recovery(self.topology.timers, resolver, bound)
        return bound

    @property
    def moved_s(self) -> float:
        """When everybody has moved, and their last failed attempt is over."""
        last_s = max(self.leaves(cohort).high_s for cohort in self.lost)
        return last_s + bounds.ATTEMPT_S

    def drift(self) -> Iterator[Measures]:
        section = (
            f"Before: users beside {self.dies.name} whom {self.survives.name} served"
        )
        users = (*self.lost, self.strays)
        share = load.rate_rps((self.strays,)) / load.rate_rps(users)
        for text, cohorts, least, most, why in (
            (
                f"by way of {self.strays.resolver}",
                (self.strays,),
                1.0,
                1.0,
                "the authorities see where it is, and not where its users are",
            ),
            (
                f"by way of {self.told.resolver}",
                (self.told,),
                0.0,
                0.0,
                "it is as far away, but tells the users' subnet (RFC 7871)",
            ),
            (
                "of all of them",
                users,
                share * (1 - WHOLE),
                share * (1 + WHOLE),
                f"{load.rate_rps((self.strays,)):g} of {load.rate_rps(users):g} "
                "requests a second",
            ),
        ):
            yield Measures(
                section=section,
                text=text,
                figure=ServedShare(
                    cohorts=tuple(c.name for c in cohorts),
                    during="usual",
                    region=self.survives.name,
                ),
                low=least,
                high=most,
                unit=Unit.PERCENT,
                why=why,
            )

    def stale_tail(self) -> Iterator[Measures]:
        tails = {"an honest resolver": self.herd_there, **self.few}
        for kind, cohort in tails.items():
            last = common.failing(self.leaves(cohort), cohort)
            yield Measures(
                section=f"The stale tail: last attempt at {self.dies.name} after its "
                "death, kept there by",
                text=kind,
                figure=LastSent(
                    cohorts=(cohort.name,),
                    during="tail",
                    address=str(self.dies.address),
                ),
                low=last.low_s,
                high=last.high_s,
                unit=Unit.SECONDS,
                why=last.why,
            )

    def herd(self) -> Iterator[Measures]:
        cohort = self.herd_there
        section = f"The herd: {cohort.clients} users of one resolver, in one second"
        why = "filled at one moment, their answers end within two seconds"
        yield Measures(
            section=section,
            text="that ask it again",
            figure=PeakAskers(cohorts=(cohort.name,), during="tail"),
            low=0.5 * cohort.clients,
            high=cohort.clients,
            why=why,
        )
        yield Measures(
            section=section,
            text=f"that come to {self.survives.name} for the first time",
            figure=PeakArrivals(
                cohorts=(cohort.name,), address=str(self.survives.address)
            ),
            low=0.5 * cohort.clients,
            high=cohort.clients,
            why=f"{why}; each connects once in {CROWD_MS / 1000:g} s",
        )

    def latency(self) -> Iterator[Measures]:
        for text, during, region in (
            ("before", "usual", self.dies),
            ("after", "after", self.survives),
        ):
            low, high, why = round_trip_bounds_s(
                self.topology, self.near.name, region.name
            )
            yield Measures(
                section="The distance: round trip of those who were moved (median)",
                text=f"{text}, to {region.name}",
                figure=ConnectTime(
                    cohorts=(self.herd_there.name,), during=during, percent=50
                ),
                low=low,
                high=high,
                unit=Unit.MILLISECONDS,
                why=why,
            )

    def capacity(self) -> Iterator[Measures]:
        offered_rps = load.rate_rps(self.watch)
        able_rps = load.capacity_rps(self.survives)
        excess = load.excess(offered_rps, self.survives)
        section = (
            f"The shock: {offered_rps:g} requests a second for {self.survives.name}, "
            f"which serves {able_rps}"
        )
        yield Measures(
            section=section,
            text="refused for load before",
            figure=self._refused("usual"),
            low=0.0,
            high=0.0,
            unit=Unit.PERCENT,
            why=f"each region has {1 / load.FILLED * self.headroom:.2f} x its load",
        )
        yield Measures(
            section=section,
            text="refused for load when everybody has moved",
            figure=self._refused("after"),
            low=max(0.0, excess - load.SHARE),
            high=excess + load.SHARE if excess else 0.0,
            unit=Unit.PERCENT,
            why=f"what is too much: {excess:.0%}"
            if excess
            else "it has room for everybody",
        )

    def _refused(self, during: str) -> FailedShare:
        cohorts = tuple(c.name for c in self.watch)
        return FailedShare(cohorts=cohorts, during=during, error="overload")


SCENARIO = ScenarioFile(
    name="multi-region-failover",
    title="DNS failover works, and five things break: all measured in one run",
    questions=("Q15",),
    topology="designs",
    knobs=Knobs,
    build=build,
)

"""The same death on the repaired design: who loses which seconds, before and after?

Two designs of one service in one lab, asked for by users of the same resolvers while
the same region dies. Before: DNS alone moves them. After: an answer holds the region's
address and an anycast one whose route moves, users try both, DNS follows in its own
time, and the survivor has room for everybody. The seconds are told by cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

from lab.scenario import bounds, budget, common, crowd, forecast, load, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import AttemptTime, FailedShare, LastSent, Outage
from lab.scenario.model import (
    Behaviour,
    Bound,
    Cause,
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
from lab.topology.model import (
    Access,
    AnycastName,
    Geo,
    Region,
    Resolver,
    ResolverBehaviour,
    ServedName,
    Topology,
)
from lab.topology.profiles import undivided

#: One client of each kind: of a resolver that serves stale just one is told so.
ONE = crowd.Pace(clients=1, interval_ms=250)
CROWD_MS = 2000
#: How long users are watched once the last of them has recovered.
AFTER_S = 2.0
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    headroom: Annotated[
        float, Knob("a region's capacity over its usual load", minimum=1)
    ] = 2.0
    age_s: Annotated[float, Knob("age of cached answers then; else TTL / 3")] = 0.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    age_s = crowd.age_or_third(topology, knobs.age_s)
    dies, survives = pick.pair(topology)
    designs = _Designs(
        topology=topology,
        dies=dies,
        survives=survives,
        headroom=knobs.headroom,
        fault=Fault(kind=FaultKind.POWER_OFF, target=dies.name, at_age_s=age_s),
    )
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=designs.watch,
        steps=(
            Prime(),
            Observe(for_s=age_s - crowd.BEFORE_FAULT_S, label="usual"),
            designs.fault,
            Observe(for_s=designs.last_s + bounds.ATTEMPT_S + AFTER_S),
            Restore(),
        ),
        expectations=(
            *designs.totals(),
            *designs.by_cause(),
            *designs.price(),
            *designs.capacity(),
            *designs.follows(),
            crowd.nothing_else(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Designs:
    """The users of both designs, and what they lose."""

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
    def repaired(self) -> Geo:
        """The name whose every answer holds the anycast address, too."""
        return pick.name(self.topology, Geo, where=lambda n: n.anycast)

    @cached_property
    def resolvers(self) -> dict[str, Resolver]:
        """Whom users ask, by what it does."""
        own = self.near.resolvers
        kinds = {
            "honest resolver": ResolverBehaviour.HONEST,
            "resolver that clamps": ResolverBehaviour.CLAMPING,
            "resolver that serves stale": ResolverBehaviour.SERVE_STALE,
        }
        return {
            kind: pick.resolver(self.topology, behaviour, where=lambda r: r in own)
            for kind, behaviour in kinds.items()
        }

    @cached_property
    def old(self) -> dict[str, Cohort]:
        """Users of the design that DNS alone moves, by what keeps them."""
        name, honest = pick.steered(self.topology), self.resolvers["honest resolver"]
        return {
            **{k: self._users(r, name) for k, r in self.resolvers.items()},
            "client that pins": self._users(honest, name, Behaviour.PINNED),
        }

    @cached_property
    def new(self) -> dict[str, Cohort]:
        """The same users of the repaired one; who pins is given what never moves."""
        honest = self.resolvers["honest resolver"]
        stable = pick.name(self.topology, AnycastName)
        return {
            **{
                k: self._users(r, self.repaired, Behaviour.RETRY_NEXT)
                for k, r in self.resolvers.items()
            },
            "client that pins": self._users(honest, stable, Behaviour.PINNED),
        }

    @cached_property
    def crowds(self) -> tuple[Cohort, ...]:
        """All others: they use the regions as far as these are used."""
        found = []
        for region in (self.dies, self.survives):
            access = pick.beside(self.topology, region)
            few = load.rate_rps((*self.old.values(), *self.new.values()))
            few = few if region is self.dies else 0.0
            rate_rps = load.usual_rps(region, self.headroom) - few
            for name, behaviour in (
                (pick.steered(self.topology), Behaviour.FIRST_ADDRESS),
                (self.repaired, Behaviour.RETRY_NEXT),
            ):
                found.append(
                    pick.cohort(
                        access,
                        pick.honest_in(self.topology, access),
                        name,
                        behaviour,
                        clients=round(rate_rps / 2 * CROWD_MS / 1000),
                        interval_ms=CROWD_MS,
                        label="crowd",
                    )
                )
        return tuple(found)

    @property
    def watch(self) -> tuple[Cohort, ...]:
        """Everybody."""
        return (*self.old.values(), *self.new.values(), *self.crowds)

    def _users(
        self,
        resolver: Resolver,
        name: ServedName,
        behaviour: Behaviour = Behaviour.FIRST_ADDRESS,
    ) -> Cohort:
        return pick.cohort(
            self.near,
            resolver,
            name,
            behaviour,
            clients=ONE.clients,
            interval_ms=ONE.interval_ms,
        )

    def back(self, cohort: Cohort, topology: Topology | None = None) -> Bound:
        """Return when a client of a cohort is back for good."""
        topology = topology or self.topology
        if cohort in self.old.values():
            bound = common.recovery(topology, cohort, self.fault)
            resolver = forecast.resolver_named(topology, cohort.resolver)
            if bounds.tells_stale_first(resolver):
                return bounds.stale_recovery(topology.timers, resolver, bound)
            return bound
        stable = pick.name(topology, AnycastName).name
        moved = common.recovery(topology, replace(cohort, qname=stable), self.fault)
        if cohort.qname == stable:
            return moved
        why = f"{moved.why}; sooner for whoever tries the address once it has moved"
        return replace(moved, low_s=0.0, why=why)

    @property
    def last_s(self) -> float:
        """When the last of them is back."""
        return max(
            self.back(c).high_s for c in (*self.old.values(), *self.new.values())
        )

    def totals(self) -> Iterator[Measures]:
        written = undivided(self.topology)
        for kind, old in self.old.items():
            new = self.new[kind]
            for when, cohort in ((BEFORE, old), (AFTER, new)):
                bound = self.back(cohort)
                worst_s = forecast.at_worst_s(written, cohort, self.fault)
                if when == AFTER:
                    worst_s = self.back(cohort, written).high_s
                yield Measures(
                    section="Seconds without service",
                    text=f"{kind}, {when} (at worst {worst_s:.3g} s as written)",
                    figure=Outage(cohorts=(cohort.name,)),
                    low=bound.low_s,
                    high=bound.high_s,
                    unit=Unit.SECONDS,
                    why=bound.why,
                )

    def by_cause(self) -> Iterator[Measures]:
        """Yield the budget: each cause where it shows, in both designs."""
        moved = self.back(self.new["client that pins"])
        shown = {
            Cause.DETECTION: "honest resolver",
            Cause.RESOLVER_CACHE: "honest resolver",
            Cause.RESOLVER_CLAMP: "resolver that clamps",
            Cause.SERVE_STALE: "resolver that serves stale",
            Cause.CLIENT_PIN: "client that pins",
        }
        for cause, kind in shown.items():
            cohort = self.old[kind]
            part = budget.part(
                self.topology, cohort, self.fault, cause, back=self.back(cohort)
            )
            yield self._row(cause, BEFORE, (cohort,), part)
            after = Bound(low_s=0.0, high_s=0.0, why="no answer has to change")
            yield self._row(cause, AFTER, tuple(self.new.values()), after)
        never = Bound(low_s=0.0, high_s=0.0, why="no route has to move")
        yield self._row(Cause.WITHDRAWAL, BEFORE, tuple(self.old.values()), never)
        yield self._row(Cause.WITHDRAWAL, AFTER, (self.new["client that pins"],), moved)

    def _row(
        self, cause: Cause, when: str, cohorts: tuple[Cohort, ...], part: Bound
    ) -> Measures:
        return Measures(
            section="The budget of seconds, by cause, where it shows most",
            text=f"{cause}, {when}",
            figure=Outage(cohorts=tuple(c.name for c in cohorts), cause=cause),
            low=part.low_s,
            high=part.high_s,
            unit=Unit.SECONDS,
            why=part.why,
        )

    def price(self) -> Iterator[Measures]:
        # All of them: whose answer begins with the anycast address never tries again.
        near = tuple(
            c
            for c in (*self.new.values(), *self.crowds)
            if (c.qname, c.access) == (self.repaired.name, self.near.name)
        )
        rescue = common.rescue(self.topology, near[0], self.fault)
        yield Measures(
            section="The price: who meets the dead address first tries again",
            text="what such a request takes (median)",
            figure=AttemptTime(
                cohorts=tuple(c.name for c in near),
                during="observe",
                percent=50,
                rescued=True,
            ),
            low=rescue.low_s,
            high=rescue.high_s,
            unit=Unit.SECONDS,
            why=rescue.why,
        )

    def capacity(self) -> Iterator[Measures]:
        offered_rps = load.rate_rps(self.watch)
        excess = load.excess(offered_rps, self.survives)
        room = "it has room for everybody"
        yield Measures(
            section=f"The survivor: {offered_rps:g} requests a second, of which it "
            f"serves {load.capacity_rps(self.survives)}",
            text="requests refused for load",
            figure=FailedShare(
                cohorts=tuple(c.name for c in self.watch),
                during="observe",
                error="overload",
            ),
            low=0.0,
            high=excess + load.SHARE if excess else 0.0,
            unit=Unit.PERCENT,
            why=f"at most {excess:.0%} is too much for it" if excess else room,
        )

    def follows(self) -> Iterator[Measures]:
        """Yield that DNS has followed: nobody tries the dead address any more."""
        for kind, resolver in self.resolvers.items():
            cohort = self.new[kind]
            asks = replace(
                cohort,
                qname=pick.steered(self.topology).name,
                behaviour=Behaviour.FIRST_ADDRESS,
            )
            bound = common.recovery(self.topology, asks, self.fault)
            if bounds.tells_stale_first(resolver):
                bound = bounds.stale_recovery(self.topology.timers, resolver, bound)
            last = common.failing(bound, cohort)
            yield Measures(
                section="DNS follows in its own time: last attempt at the dead address",
                text=f"{kind}, {AFTER}",
                figure=LastSent(
                    cohorts=(cohort.name,),
                    during="observe",
                    address=str(self.dies.address),
                ),
                low=0.0,
                high=last.high_s,
                unit=Unit.SECONDS,
                why=f"{last.why}; sooner where the other address comes first",
            )


SCENARIO = ScenarioFile(
    name="the-fix",
    title="The repaired design loses a second where DNS alone loses a TTL and a tail",
    questions=("Q15", "Q16"),
    topology="designs",
    knobs=Knobs,
    build=build,
)

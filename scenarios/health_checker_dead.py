"""Whoever looks after routes dies, and then the service does: who is left to notice?

What BIRD announces outlives the process that bound it to health. In one region that is
all there is: the route stays as it was. In another one a guard hears nothing more from
that process and withdraws, though the service is well. A DNS provider's checker is cut
off from all it checks, and must guess. Then the services die behind each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, common, forecast, pick, withdrawal
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import share_bounds
from lab.scenario.figures import (
    AnsweredWith,
    FailedShare,
    LastServed,
    RouteChanges,
    RouteLeft,
    Verdicts,
)
from lab.scenario.model import (
    EVERY_PROVIDER,
    Ask,
    Bound,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Question,
    Restore,
    Scenario,
    Step,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import farthest_s, transit_of
from lab.topology.model import (
    AllDown,
    AnycastName,
    Failover,
    Region,
    ResolverBehaviour,
    ServedName,
    Topology,
)
from lab.topology.timers import CheckerDeath, Depth

DESIGNS = {
    CheckerDeath.KEEP: "keep: the route stays",
    CheckerDeath.WITHDRAW: "withdraw: a guard takes it back",
}
INTERVAL_MS = 200
STEADY_S = 1.0
#: How long to look at what nobody withdraws, beyond when a live checker would have.
LATE_S = 2.0
QUESTIONS, PACE_MS = 20, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("clients beside each region", minimum=1)] = 10


def build(topology: Topology, knobs: Knobs) -> Scenario:
    told = _Checkers(topology=topology, clients=knobs.clients)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(told.kept_users, told.guarded_users, told.checked_users),
        steps=(
            Prime(),
            Observe(for_s=STEADY_S, label="steady"),
            told.blind,
            *told.steps(FaultKind.CRASH),
            Restore(),
            *told.steps(FaultKind.HANG),
            Restore(),
        ),
        expectations=(
            told.well(),
            *told.without_checker(FaultKind.CRASH),
            *told.without_sight(),
            *told.without_service(FaultKind.CRASH),
            *told.without_checker(FaultKind.HANG),
            *told.without_service(FaultKind.HANG),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Checkers:
    """A region that nobody guards, one that somebody does, and a name that is checked.

    The announcers first crash, while the providers are cut off from what they check;
    then they hang. Each time the services die behind them.
    """

    topology: Topology
    clients: int

    @cached_property
    def kept(self) -> Region:
        return self._looked_after(CheckerDeath.KEEP)

    @cached_property
    def guarded(self) -> Region:
        """The region whose users a guard moves without a loss.

        Raises:
            InvalidInput: There is none, or routers heed no mark, and a guard can only
                take the route away.
        """
        if not self.topology.timers.bgp.heeds_graceful_shutdown:
            what = "bgp.heeds_graceful_shutdown is off: who is moved loses something"
            raise InvalidInput((Problem(what=what, allowed="on"),))
        return self._looked_after(CheckerDeath.WITHDRAW)

    @cached_property
    def checked(self) -> Failover:
        others = {self.kept.name, self.guarded.name}
        return pick.name(
            self.topology,
            Failover,
            where=lambda n: (
                n.all_down is AllDown.FAIL_OPEN and others.isdisjoint(n.regions)
            ),
        )

    @cached_property
    def kept_users(self) -> Cohort:
        return self._users(self.kept, pick.name(self.topology, AnycastName))

    @cached_property
    def guarded_users(self) -> Cohort:
        return self._users(self.guarded, pick.name(self.topology, AnycastName))

    @cached_property
    def checked_users(self) -> Cohort:
        region = self.topology.region(self.checked.regions[0])
        return self._users(region, self.checked)

    @cached_property
    def blind(self) -> Fault:
        return Fault(
            kind=FaultKind.PARTITION,
            target="+".join(f"{r}:{EVERY_PROVIDER}" for r in self.checked.regions),
            label="blind",
        )

    @cached_property
    def guard(self) -> Bound:
        """Return when a guard withdraws."""
        return withdrawal.guard_withdrawal(self.topology.announce_of(self.guarded.name))

    @cached_property
    def moved_s(self) -> float:
        """When users of the guarded region are elsewhere."""
        return self.guard.high_s + bounds.CONVERGENCE_S

    @cached_property
    def guessing_s(self) -> float:
        """When no cache holds an answer from before the providers went blind."""
        timers = self.topology.timers_of(self.checked.name)
        resolver = forecast.resolver_named(self.topology, self.checked_users.resolver)
        rounding = bounds.ROUNDINGS[resolver.daemon]
        detected = bounds.detection(
            self.topology.zone.providers,
            self.topology.check_of(self.checked.name),
            round_trip_s=farthest_s(self.topology),
        )
        life_s = bounds.lifetime_s(timers, resolver) + rounding.late_s + rounding.copy_s
        return detected.high_s + life_s + INTERVAL_MS / 1000 + bounds.ATTEMPT_S

    @cached_property
    def live_s(self) -> float:
        """Within which time a live announcer withdraws, and routes have moved."""
        announce = self.topology.announce_of(self.kept.name)
        return withdrawal.health_withdrawal(announce).high_s + bounds.CONVERGENCE_S

    def steps(self, end: FaultKind) -> Iterator[Step]:
        crash = end is FaultKind.CRASH
        dead = [self.kept.name, self.guarded.name]
        yield Fault(kind=end, target="+".join(self._announcers()), label=end)
        until_s = self.moved_s + bounds.ATTEMPT_S
        yield Observe(
            for_s=max(until_s, self.guessing_s) if crash else until_s,
            label=_without(end),
        )
        if crash:
            yield self._ask("guessing")
            dead.append(self.checked.regions[0])
        yield Fault(
            kind=FaultKind.APP_DEAD, target="+".join(dead), label=f"dead after {end}"
        )
        yield Observe(for_s=self.live_s + LATE_S, label=_behind(end))
        if crash:
            yield self._ask("still guessing")

    def well(self) -> Measures:
        every = (self.kept_users, self.guarded_users, self.checked_users)
        return Measures(
            section="Before anything dies",
            text="requests that fail",
            figure=FailedShare(cohorts=tuple(c.name for c in every), during="steady"),
            low=0.0,
            high=0.0,
            unit=Unit.PERCENT,
            why="all regions are well, and somebody looks after each",
        )

    def without_checker(self, end: FaultKind) -> Iterator[Measures]:
        """Yield what becomes of routes, and of users, when nobody looks."""
        section = _well(end)
        prefix = str(self.topology.anycast.prefix)
        kept, guarded = (self._design(r) for r in (self.kept, self.guarded))
        yield Measures(
            section=section,
            column=kept,
            text=f"{self.kept.name}: route changes",
            figure=RouteChanges(
                router=transit_of(self.topology, self.kept_users.access),
                prefix=prefix,
                during=_without(end),
            ),
            low=0,
            high=0,
            why="BIRD announces what it was told last, whoever told it",
        )
        yield Measures(
            section=section,
            column=guarded,
            text=f"{self.guarded.name}: route leaves",
            figure=RouteLeft(
                router=transit_of(self.topology, self.guarded_users.access),
                prefix=prefix,
                fault=end,
            ),
            low=self.guard.low_s,
            high=self.moved_s,
            unit=Unit.SECONDS,
            why=f"{self.guard.why}; + {bounds.CONVERGENCE_S:g} s for the routes",
        )
        yield Measures(
            section=section,
            column=guarded,
            text=f"{self.guarded.name}: last request served",
            figure=LastServed(
                cohorts=(self.guarded_users.name,),
                during=_without(end),
                region=self.guarded.name,
                fault=end,
            ),
            low=self.guard.low_s - INTERVAL_MS / 1000,
            high=self.moved_s,
            unit=Unit.SECONDS,
            why=f"users are sent away from what is well: {self.guard.why}",
        )
        for region, cohort in self._both():
            yield self._failing(
                section,
                region,
                cohort,
                _without(end),
                0.0,
                "what nobody looks at is well; a guard withdraws as a drain does",
            )

    def without_service(self, end: FaultKind) -> Iterator[Measures]:
        """Yield who still sends users to what has died since."""
        for region, cohort in self._both():
            keeps = region is self.kept
            yield self._failing(
                _dead(end),
                region,
                cohort,
                _behind(end),
                1.0 if keeps else 0.0,
                f"a live announcer would have withdrawn within {self.live_s:g} s"
                if keeps
                else "nobody is there any more: the guard saw to that before",
            )

    def without_sight(self) -> Iterator[Measures]:
        """Yield what providers answer that are cut off from all that they check."""
        column = "DNS: who sees nothing guesses"
        everything = tuple(
            str(self.topology.region(name).address) for name in self.checked.regions
        )
        behind = _behind(FaultKind.CRASH)
        first = self.checked.regions[0]
        well, dead = _well(FaultKind.CRASH), _dead(FaultKind.CRASH)
        for section, label, why in (
            (well, "guessing", "with nothing up, a provider answers all"),
            (dead, "still guessing", "who sees nothing sees no death"),
        ):
            for provider in self.topology.zone.providers:
                yield Measures(
                    section=section,
                    column=column,
                    text=f"answers of {provider.name} with all regions",
                    figure=AnsweredWith(
                        ask=f"{label} {provider.name}", addresses=everything
                    ),
                    low=QUESTIONS,
                    high=QUESTIONS,
                    why=why,
                )
        yield Measures(
            section=dead,
            column=column,
            text=f"providers that notice {first}",
            figure=Verdicts(region=first, during=behind),
            low=0,
            high=0,
            why="they have declared everything down before, and were wrong",
        )
        # Each client holds an answer for a TTL, and of each one address comes first.
        ttl_s = self.topology.ttl_s(self.checked.name)
        answers = self.clients * max(1, int((self.live_s + LATE_S) / ttl_s))
        low, high = share_bounds(1 / len(everything), answers)
        yield Measures(
            section=dead,
            column=column,
            text=f"{self.checked.name}: requests failing",
            figure=FailedShare(cohorts=(self.checked_users.name,), during=behind),
            low=low,
            high=high,
            unit=Unit.PERCENT,
            why=f"1 in {len(everything)} of about {answers} answers has it first",
        )

    def _looked_after(self, how: CheckerDeath) -> Region:
        for region in self.topology.regions:
            announce = self.topology.announce_of(region.name)
            sees = withdrawal.is_withdrawn(announce, Depth.REGION)
            beside = any(a.transit in region.uplinks for a in self.topology.access)
            if sees and beside and announce.on_checker_death is how:
                return region
        what = f"topology {self.topology.name} has not what this scenario needs"
        allowed = (
            "one with users beside a region that is bound to its service's health, "
            f"and on_checker_death {how}"
        )
        raise InvalidInput((Problem(what=what, allowed=allowed),))

    def _announcers(self) -> Iterator[str]:
        for region in (self.kept, self.guarded):
            for number in range(1, region.l4 + 1):
                yield f"{region.name}-l4-{number}/announcer"

    def _ask(self, label: str) -> Ask:
        return Ask(
            label=label,
            questions=tuple(
                Question(
                    label=f"{label} {provider.name}",
                    access=self.checked_users.access,
                    server=provider.name,
                    qname=self.checked.name,
                    count=QUESTIONS,
                    interval_ms=PACE_MS,
                )
                for provider in self.topology.zone.providers
            ),
        )

    def _both(self) -> tuple[tuple[Region, Cohort], ...]:
        return (self.kept, self.kept_users), (self.guarded, self.guarded_users)

    def _design(self, region: Region) -> str:
        return DESIGNS[self.topology.announce_of(region.name).on_checker_death]

    def _failing(
        self,
        section: str,
        region: Region,
        cohort: Cohort,
        during: str,
        share: float,
        why: str,
    ) -> Measures:
        return Measures(
            section=section,
            column=self._design(region),
            text=f"{region.name}: requests failing",
            figure=FailedShare(cohorts=(cohort.name,), during=during),
            low=share,
            high=share,
            unit=Unit.PERCENT,
            why=why,
        )

    def _users(self, region: Region, name: ServedName) -> Cohort:
        access = pick.beside(self.topology, region)
        resolver = pick.resolver(
            self.topology,
            ResolverBehaviour.HONEST,
            where=lambda r: pick.serves(self.topology, r, access),
        )
        return pick.cohort(
            access, resolver, name, clients=self.clients, interval_ms=INTERVAL_MS
        )


def _without(end: FaultKind) -> str:
    return f"without announcers: {end}"


def _behind(end: FaultKind) -> str:
    return f"without services: {end}"


def _well(end: FaultKind) -> str:
    return f"Nobody looks ({end}), services are well"


def _dead(end: FaultKind) -> str:
    return f"Nobody looks ({end}), then services die"


SCENARIO = ScenarioFile(
    name="health-checker-dead",
    title="Who died withdraws nothing: a route stays, or a guard takes it back",
    questions=("Q11", "Q14"),
    topology="depths",
    knobs=Knobs,
    build=build,
)

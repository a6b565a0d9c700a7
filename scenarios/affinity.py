"""Who serves a user from one request to the next, and what keeps it so?

DNS sticks by accident and for as long as a cache remembers, L4 by a hash of the flow
and for as long as the connection lasts, L7 by a cookie that names the backend. The
same accident brings users back to a region that is being drained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

from lab.scenario import bounds, caching, common, crowd, forecast, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import share_bounds
from lab.scenario.figures import (
    FailedShare,
    FewestMet,
    LastServed,
    ServedShare,
    Stays,
)
from lab.scenario.model import (
    Behaviour,
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
    AnycastName,
    Failover,
    Region,
    RoundRobin,
    Topology,
)

#: Not multiples of each other: else a proxy that takes its backends in turn could
#: meet each user with the same one, and that would look like affinity.
PACE_MS, OTHER_PACE_MS = 250, 310
EXPIRIES = 1
WITHOUT_S, MENDED_S = 2.0, 3.0
ALWAYS, NEVER = (1.0, 1.0), (0.0, 0.0)
AFTER = "after-drain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    target: Annotated[str, Knob("the users' region; the first unless set")] = ""
    clients: Annotated[int, Knob("clients of each kind", minimum=4)] = 12
    crowd: Annotated[int, Knob("clients sent by DNS in turn", minimum=20)] = 40
    age_s: Annotated[float, Knob("age of cached answers at the drain", minimum=1)] = 4.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    told = _Story(topology=topology, knobs=knobs)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=told.everyone,
        steps=(
            Prime(),
            Observe(for_s=told.steady_s, label="steady"),
            told.death,
            Observe(for_s=WITHOUT_S, label="without"),
            Restore(),
            Observe(for_s=MENDED_S, label="mended"),
            Prime(),
            told.drain,
            Observe(for_s=told.drain.drain_s + bounds.ATTEMPT_S, label=AFTER),
            Restore(),
        ),
        expectations=(
            *told.by_dns(),
            *told.by_hash(),
            *told.by_cookie(),
            *told.drained(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Story:
    """Users whom each layer sends, and what keeps them where they are."""

    topology: Topology
    knobs: Knobs

    @cached_property
    def region(self) -> Region:
        return pick.spared(self.topology, self.knobs.target)

    @cached_property
    def turns(self) -> Cohort:
        name = pick.name(self.topology, RoundRobin)
        return self._users(name, clients=self.knobs.crowd, pace_ms=2 * PACE_MS)

    @cached_property
    def cached(self) -> Cohort:
        region = self.region.name
        name = pick.name(
            self.topology, Failover, where=lambda n: n.regions[0] == region
        )
        return self._users(name)

    @cached_property
    def kept(self) -> Cohort:
        name = pick.name(self.topology, AnycastName)
        return self._users(name, how=Behaviour.POOL, pace_ms=OTHER_PACE_MS)

    @cached_property
    def plain(self) -> Cohort:
        return self._users(pick.name(self.topology, AnycastName))

    @cached_property
    def sessions(self) -> Cohort:
        name = pick.name(self.topology, AnycastName)
        return self._users(name, cookies=True, label="cookie")

    @property
    def everyone(self) -> tuple[Cohort, ...]:
        return (self.turns, self.kept, self.plain, self.sessions, self.cached)

    @cached_property
    def steady_s(self) -> float:
        """Time for every cached answer to end so many times."""
        timers = self.topology.timers_of(self.turns.qname)
        resolver = forecast.resolver_named(self.topology, self.turns.resolver)
        return EXPIRIES * caching.period_s(timers, resolver) + bounds.ATTEMPT_S

    @cached_property
    def death(self) -> Fault:
        target = f"{self.region.name}-be-1"
        return Fault(kind=FaultKind.CRASH, target=target, label="death")

    @cached_property
    def drain(self) -> Fault:
        age_s = crowd.age_or_third(self.topology, self.knobs.age_s)
        drain_s = forecast.drain_s(self.topology, interval_s=PACE_MS / 1000)
        return Fault(
            kind=FaultKind.DRAIN,
            target=self.region.name,
            at_age_s=age_s,
            drain_s=drain_s,
            label="drain",
        )

    def by_dns(self) -> Iterator[Measures]:
        section = "DNS: users who stay in their region from one request to the next"
        qname = self.turns.qname
        yield _share(
            f"{qname}, while the cached answer lives",
            Stays(
                cohorts=(self.turns.name,),
                during="steady",
                by="region",
                renewed=False,
            ),
            ALWAYS,
            "nobody asks again while an answer lives: this only looks like affinity",
            section=section,
        )
        ways = len(pick.name(self.topology, RoundRobin).regions)
        draws = EXPIRIES * self.turns.clients
        yield _share(
            f"{qname}, when it has expired",
            Stays(
                cohorts=(self.turns.name,),
                during="steady",
                by="region",
                renewed=True,
            ),
            share_bounds(1 / ways, draws),
            f"the next answer begins with any of {ways} regions; "
            f"chance, in {draws} draws at least",
            section=section,
        )

    def by_hash(self) -> Iterator[Measures]:
        section = "L4: users who stay with their L7 node"
        nodes = self.region.l7
        draws = self.plain.clients * int(self.steady_s * 1000 / self.plain.interval_ms)
        for cohort, text, between, why in (
            (
                self.kept,
                "on a kept connection",
                ALWAYS,
                "a flow stays where its first packet went (Maglev)",
            ),
            (
                self.plain,
                "on a new connection each time",
                share_bounds(1 / nodes, draws),
                f"each is another flow, and any of {nodes} nodes may get it",
            ),
        ):
            stays = Stays(cohorts=(cohort.name,), during="steady", by="l7")
            yield _share(text, stays, between, why, section=section)
        backends = len(self.region.backends)
        for cohort, text in (
            (self.kept, "backends that each meets even so, on a kept connection"),
            (self.plain, "backends that each meets even so, on new connections"),
        ):
            yield Measures(
                section=section,
                text=text,
                figure=FewestMet(cohorts=(cohort.name,), during="steady", by="backend"),
                low=backends,
                high=backends,
                why="behind its hash every request is balanced anew",
            )

    def by_cookie(self) -> Iterator[Measures]:
        section = "L7: users who send back the cookie that names their backend"
        users = (self.sessions.name,)
        yield _share(
            "who stay with their backend",
            Stays(cohorts=users, during="steady", by="backend"),
            ALWAYS,
            "whichever node reads the cookie finds the backend in it",
            section=section,
        )
        dead = self.death.target
        yield _share(
            f"{dead} dies: requests that fail",
            FailedShare(cohorts=users, during="without"),
            NEVER,
            "the proxy repeats a request elsewhere (RFC 9110, 9.2), with a new cookie",
            section=section,
        )
        for during, text in (
            ("without", f"{dead} dies: requests that it serves"),
            ("mended", "it is back: requests that it serves"),
        ):
            yield _share(
                text,
                ServedShare(cohorts=users, during=during, backend=dead),
                NEVER,
                "whose session has moved has no reason to go back",
                section=section,
            )

    def drained(self) -> Iterator[Measures]:
        section = f"{self.region.name} is drained: the last request it still gets"
        # Health checks see a drain as they see a service that is dead.
        seen = replace(self.drain, kind=FaultKind.APP_DEAD, drain_s=0.0)
        cached = common.failing(
            common.recovery(self.topology, self.cached, seen), self.cached
        )
        for cohort, text, (low_s, high_s), why in (
            (
                self.cached,
                f"from users of {self.cached.qname}, sent by DNS",
                (cached.low_s, cached.high_s),
                f"cached clients keep coming: {cached.why}",
            ),
            (
                self.plain,
                f"from users of {self.plain.qname}, sent by routes",
                (0.0, bounds.CONVERGENCE_S),
                f"no cache holds a route: {bounds.CONVERGENCE_S:g} s for all routers",
            ),
        ):
            yield Measures(
                section=section,
                text=text,
                figure=LastServed(
                    cohorts=(cohort.name,),
                    during=AFTER,
                    region=self.region.name,
                    fault=self.drain.label,
                ),
                low=low_s,
                high=high_s,
                unit=Unit.SECONDS,
                why=why,
            )
        moved = tuple(c.name for c in self.everyone if c is not self.turns)
        yield _share(
            "requests that fail, of users whose name or route follows health",
            FailedShare(cohorts=moved, during=AFTER),
            NEVER,
            "it serves whoever still comes, until the last cache has ended",
            section=section,
        )

    def _users(
        self,
        name: RoundRobin | Failover | AnycastName,
        *,
        how: Behaviour = Behaviour.FIRST_ADDRESS,
        clients: int | None = None,
        pace_ms: int = PACE_MS,
        cookies: bool = False,
        label: str = "",
    ) -> Cohort:
        access = pick.beside(self.topology, self.region)
        return pick.cohort(
            access,
            pick.honest_in(self.topology, access),
            name,
            how,
            clients=clients or self.knobs.clients,
            interval_ms=pace_ms,
            cookies=cookies,
            label=label,
        )


def _share(
    text: str,
    figure: Stays | FailedShare | ServedShare,
    between: tuple[float, float],
    why: str,
    *,
    section: str,
) -> Measures:
    low, high = between
    return Measures(
        section=section,
        text=text,
        figure=figure,
        low=low,
        high=high,
        unit=Unit.PERCENT,
        why=why,
    )


SCENARIO = ScenarioFile(
    name="affinity",
    title="DNS sticks by accident, L4 by a hash, L7 by a cookie",
    questions=("Q10",),
    topology="two-region",
    knobs=Knobs,
    build=build,
)

"""A region dies in silence: who is back within a minute, and by whose doing?

Four ways to the same service, side by side: an address whose route moves, a balancer
that looks at the regions itself, clients that try the next address, and, as the
control, answers of DNS alone. What each takes at worst with the timers as they are
written is told beside what it took here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, common, crowd, forecast, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import AttemptTime, FailedShare, ServedShare
from lab.scenario.model import (
    Behaviour,
    CacheOnPath,
    Cohort,
    Expectation,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    ProveCache,
    RescuedByRetry,
    Restore,
    Scenario,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.model import (
    AnycastName,
    GlobalL4Name,
    ResolverBehaviour,
    RoundRobin,
    ServedName,
    Topology,
)
from lab.topology.profiles import undivided

FAST = crowd.Pace(clients=4, interval_ms=200)
#: As many requests, of more users: one of them at least has to draw an answer that
#: begins with the dead address, or nobody is rescued.
MANY = crowd.Pace(clients=16, interval_ms=800)
SLOW = crowd.Pace(clients=4, interval_ms=500)
#: How long users are watched once the last of them has recovered.
AFTER_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    budget_s: Annotated[
        float, Knob("seconds without service that are allowed", minimum=1)
    ] = 60.0
    age_s: Annotated[float, Knob("age of cached answers then; else TTL / 3")] = 0.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    age_s = crowd.age_or_third(topology, knobs.age_s)
    region = pick.region(topology)
    access = pick.beside(topology, region)
    honest = pick.honest_in(topology, access)
    clamping = pick.resolver(
        topology, ResolverBehaviour.CLAMPING, where=lambda r: r in access.resolvers
    )
    fault = Fault(kind=FaultKind.POWER_OFF, target=region.name, at_age_s=age_s)

    def users(
        name: ServedName,
        pace: crowd.Pace,
        behaviour: Behaviour = Behaviour.FIRST_ADDRESS,
        *,
        clamped: bool = False,
    ) -> Cohort:
        return pick.cohort(
            access,
            clamping if clamped else honest,
            name,
            behaviour,
            clients=pace.clients,
            interval_ms=pace.interval_ms,
        )

    checked = pick.steered(topology)
    moved = users(pick.name(topology, AnycastName), FAST)
    balanced = users(pick.name(topology, GlobalL4Name), FAST)
    several = pick.name(topology, RoundRobin)
    retrying = users(several, MANY, Behaviour.RETRY_NEXT)
    sdk = users(several, MANY, Behaviour.SDK)
    alone = users(checked, SLOW)
    clamped = users(checked, SLOW, clamped=True)
    ways = {
        "BGP withdrawal": moved,
        "health-checked global L4": balanced,
        "DNS alone": alone,
        "DNS alone, where a resolver clamps": clamped,
    }
    bound = {
        cohort: common.recovery(topology, cohort, fault) for cohort in ways.values()
    }
    written = undivided(topology)

    def told(how: str, worst_s: float) -> str:
        side = "within" if worst_s < knobs.budget_s else "beyond"
        budget = f"{side} {knobs.budget_s:g} s"
        return f"{how} (at worst {worst_s:.3g} s as written: {budget})"

    def expectations() -> Iterator[Expectation]:
        for how, cohort in ways.items():
            worst_s = forecast.at_worst_s(written, cohort, fault)
            yield common.fails_until(
                told(how, worst_s or bound[cohort].high_s),
                cohort,
                bound[cohort],
                fault,
                section="Without service: last failed request after the death",
                during="observe",
            )
        section = "Client retry: nobody is without service, and some wait"
        yield Measures(
            section=section,
            text=f"{retrying.behaviour}: requests that fail",
            figure=FailedShare(cohorts=(retrying.name,), during="observe"),
            low=0.0,
            high=0.0,
            unit=Unit.PERCENT,
            why="the answer holds another address, and the client tries it",
        )
        for cohort in (retrying, sdk):
            rescue = common.rescue(topology, cohort, fault)
            worst_s = common.rescue(written, cohort, fault).high_s
            yield Measures(
                section=section,
                text=told(f"{cohort.behaviour}: a rescued request takes", worst_s),
                figure=AttemptTime(
                    cohorts=(cohort.name,), during="observe", percent=50, rescued=True
                ),
                low=rescue.low_s,
                high=rescue.high_s,
                unit=Unit.SECONDS,
                why=rescue.why,
            )
        yield RescuedByRetry(
            text="requests that met the dead address and worked at the other",
            cohorts=(retrying.name, sdk.name),
            why="nobody takes the dead address out of the answer",
        )
        for how, cohort in ways.items():
            yield Measures(
                section=f"Who needed {region.name} before: requests that it served",
                text=how,
                figure=ServedShare(
                    cohorts=(cohort.name,), during="usual", region=region.name
                ),
                low=1.0,
                high=1.0,
                unit=Unit.PERCENT,
                why="it is the nearest, or the first that the balancer prefers",
            )
        for resolver in (honest, clamping):
            yield CacheOnPath(
                text=f"{resolver.name} answers {checked.name} from its cache before",
                resolver=resolver.name,
                qname=checked.name,
                why="the TTL counts down by the time that passes",
            )
        yield crowd.nothing_else()
        yield from common.lab_itself(topology)

    last_s = max(b.high_s for b in bound.values())
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(moved, balanced, retrying, sdk, alone, clamped),
        steps=(
            Prime(),
            Observe(for_s=crowd.MIN_AGE_S, label="usual"),
            ProveCache(until_s=age_s - crowd.BEFORE_FAULT_S),
            fault,
            Observe(for_s=last_s + bounds.ATTEMPT_S + AFTER_S),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="sub-minute",
    title="Routes, a balancer in the way and retries need a second; DNS alone a minute",
    questions=("Q16",),
    topology="designs",
    knobs=Knobs,
    build=build,
)

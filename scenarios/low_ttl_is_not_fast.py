"""A short TTL is published: who keeps the dead answer all the same, and why?

A region dies, and four populations hold its address: one whose resolver honours the
TTL, one whose resolver raises it, one that pins what it has, and one that never asks a
name at all: its address is anycast, the control. Then the region that took over dies,
and with it every authority: a resolver that serves stale answers goes on with that one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, common, forecast, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import FailedShare, OldestAnswer
from lab.scenario.model import (
    Behaviour,
    Cohort,
    Expectation,
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
    Resolver,
    ResolverBehaviour,
    ServedName,
    Topology,
)

INTERVAL_MS = 500
DARK_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[
        str, Knob("who honours the TTL; the first honest one unless set")
    ] = ""
    clients: Annotated[int, Knob("clients of each population", minimum=1)] = 3
    age_s: Annotated[float, Knob("age of cached answers at the fault", minimum=1)] = 1.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = min(
        (n for n in topology.zone.names if isinstance(n, Failover)),
        key=lambda n: topology.timers_of(n.name).ttl_s,
        default=pick.name(topology, Failover),
    )
    timers = topology.timers_of(served.name)
    honest = pick.resolver(
        topology,
        ResolverBehaviour.HONEST,
        knobs.resolver,
        among=pick.PLAIN - {ResolverBehaviour.CLAMPING},
    )
    clamping, stale = (
        pick.resolver(topology, behaviour)
        for behaviour in (ResolverBehaviour.CLAMPING, ResolverBehaviour.SERVE_STALE)
    )

    def users(
        resolver: Resolver,
        name: ServedName = served,
        behaviour: Behaviour = Behaviour.FIRST_ADDRESS,
    ) -> Cohort:
        return pick.cohort(
            pick.access_of(topology, resolver),
            resolver,
            name,
            behaviour,
            clients=knobs.clients,
            interval_ms=INTERVAL_MS,
        )

    control = users(honest, pick.name(topology, AnycastName))
    believers = users(stale)
    obedient = users(honest)
    reasons = {
        f"none: the resolver honours the TTL of {timers.ttl_s} s": obedient,
        f"clamp: the resolver makes it {timers.clamp_s} s": users(clamping),
        f"pin: the client keeps an address for {timers.pin_s} s": users(
            honest, behaviour=Behaviour.PINNED
        ),
    }
    fault = Fault(
        kind=FaultKind.POWER_OFF, target=served.regions[0], at_age_s=knobs.age_s
    )
    bound = {c: common.recovery(topology, c, fault) for c in reasons.values()}
    last_s = max(b.high_s for b in bound.values()) + bounds.ATTEMPT_S
    outages = tuple(
        Fault(kind=FaultKind.PROVIDER_OUTAGE, target=p.name, label=f"no-{p.name}")
        for p in topology.zone.providers
    )
    again = Fault(kind=FaultKind.POWER_OFF, target=served.regions[1], label="again")
    dark_s = timers.ttl_s + 2.0
    told_s = bounds.stale_answer_ttl_s(timers, stale)

    def expectations() -> Iterator[Expectation]:
        yield from forecast.outlook(topology, control, fault).expectations
        for text, cohort in reasons.items():
            yield common.fails_until(
                text,
                cohort,
                bound[cohort],
                fault,
                section="What keeps the dead address: last failure after the fault",
                during="observe",
            )
        section = "The second region is dead, too, and so is every authority"
        yield Measures(
            section=section,
            text=f"{stale.name} serves stale: requests that fail",
            figure=FailedShare(cohorts=(believers.name,), during="dark"),
            low=1.0,
            high=1.0,
            unit=Unit.PERCENT,
            why="nobody is there to say that the address is dead",
        )
        yield Measures(
            section=section,
            text=f"{stale.name} serves stale: of these, to the dead address",
            figure=FailedShare(
                cohorts=(believers.name,), during="dark", error="connect-timeout"
            ),
            low=1.0,
            high=1.0,
            unit=Unit.PERCENT,
            why="its users still get an answer, past any TTL",
        )
        for text, error, share, why in (
            ("requests that fail", "", 1.0, "nobody is served here either"),
            (
                "of these, to the dead address",
                "connect-timeout",
                0.0,
                "what had ended is gone: its users have no answer at all",
            ),
        ):
            yield Measures(
                section=section,
                text=f"{honest.name} does not: {text}",
                figure=FailedShare(
                    cohorts=(obedient.name,), during="dark", error=error
                ),
                low=share,
                high=share,
                unit=Unit.PERCENT,
                why=why,
            )
        yield Measures(
            section=section,
            text="the TTL that the dead answer is told with, as its users' oldest one",
            figure=OldestAnswer(cohorts=(believers.name,), during="dark"),
            low=max(0.0, min(told_s, DARK_S) - 1.0 - INTERVAL_MS / 1000),
            high=told_s + 1.0,
            unit=Unit.SECONDS,
            why=f"again and again for {told_s} s (RFC 8767)",
        )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(control, *reasons.values(), believers),
        steps=(
            Prime(),
            fault,
            Observe(for_s=last_s),
            *outages,
            again,
            Observe(for_s=dark_s, label="expiring"),
            Observe(for_s=dark_s + DARK_S, label="dark"),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="low-ttl-is-not-fast",
    title="A short TTL is a wish: clamps, stale answers and pins decide",
    questions=("Q4",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

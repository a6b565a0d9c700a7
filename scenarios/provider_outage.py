"""An authoritative provider dies: what is a second one worth?

Resolvers of several brands go on resolving a name while one of two providers is gone,
and pay for finding out. Then the other goes, as a zone's only provider would: what they
have cached ends, and only stale answers are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, caching, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import FailedShare
from lab.scenario.model import (
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
from lab.topology.model import Failover, Probe, Resolver, ResolverBehaviour, Topology

INTERVAL_MS = 500
DARK_S = 10.0
#: The name with about this TTL is asked for: long enough to be a cached one.
LIFE_S = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("clients of each resolver", minimum=1)] = 2


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = min(
        (
            n
            for n in topology.zone.names
            if isinstance(n, Failover) and n.probe is Probe.DEEP
        ),
        key=lambda n: abs(topology.timers_of(n.name).ttl_s - LIFE_S),
        default=pick.name(topology, Failover),
    )
    timers = topology.timers_of(served.name)
    cohorts = {
        resolver: pick.cohort(
            pick.access_of(topology, resolver),
            resolver,
            served,
            clients=knobs.clients,
            interval_ms=INTERVAL_MS,
        )
        for resolver in pick.brands(topology)
    }
    outages = tuple(
        Fault(kind=FaultKind.PROVIDER_OUTAGE, target=p.name, label=f"no-{p.name}")
        for p in topology.zone.providers
    )
    one, *others = outages
    life_s = max(bounds.lifetime_s(timers, r) for r in cohorts) + 2.0

    def expectations() -> Iterator[Expectation]:
        for resolver, cohort in cohorts.items():
            low, high, why = caching.retry_cost(
                timers, resolver, for_s=life_s, interval_s=INTERVAL_MS / 1000
            )
            yield Measures(
                section=f"{one.target} is gone, {others[0].target} is there: "
                "requests that fail",
                text=_told(resolver),
                figure=FailedShare(cohorts=(cohort.name,), during="one"),
                low=low,
                high=high,
                unit=Unit.PERCENT,
                why=why,
            )
        for resolver, cohort in cohorts.items():
            low, high, why = 1.0, 1.0, "it has nothing to serve"
            if resolver.behaviour is ResolverBehaviour.SERVE_STALE:
                low, high, why = caching.late_stale_cost(
                    timers,
                    resolver,
                    for_s=DARK_S,
                    clients=knobs.clients,
                    interval_s=INTERVAL_MS / 1000,
                )
            yield Measures(
                section="No provider is left, and the cached answer has ended: "
                "requests that fail",
                text=_told(resolver),
                figure=FailedShare(cohorts=(cohort.name,), during="dark"),
                low=low,
                high=high,
                unit=Unit.PERCENT,
                why=why,
            )
        yield common.servers_idle(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(cohorts.values()),
        steps=(
            Prime(),
            one,
            Observe(for_s=life_s, label="one"),
            *others,
            Observe(for_s=life_s, label="ending"),
            Observe(for_s=life_s + DARK_S, label="dark"),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


def _told(resolver: Resolver) -> str:
    return f"{resolver.name}: {resolver.daemon}, {resolver.behaviour}"


SCENARIO = ScenarioFile(
    name="provider-outage",
    title="A second provider saves the zone; with none, only stale answers are left",
    questions=("Q14",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

"""An authoritative provider dies: what is a second one worth?

Resolvers of several brands go on resolving a name while one of two providers is gone,
and pay for finding out. Then the other goes, as a zone's only provider would: what they
have cached ends, and only stale answers are left. On a topology with one provider only
that is told. Two brands that disagree about a region's health: `first-query`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, caching, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import AnswerTime, FailedShare, Greatest, Upstream
from lab.scenario.forecast import place_of
from lab.scenario.model import (
    Ask,
    Cohort,
    Expectation,
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
from lab.topology.distance import round_trips_s
from lab.topology.model import (
    Failover,
    Probe,
    Resolver,
    ResolverBehaviour,
    ServedName,
    Topology,
)

INTERVAL_MS = 500
DARK_S = 8.0
#: The name with about this TTL is asked for: long enough to be a cached one.
LIFE_S = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[str, Knob("only this one; one of each kind unless set")] = ""
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
    alone = pick.resolver(
        topology,
        ResolverBehaviour.HONEST,
        knobs.resolver,
        where=lambda r: r.forwards_to is None,
    )
    asked = (alone,) if knobs.resolver else pick.brands(topology)
    cohorts = {
        resolver: pick.cohort(
            pick.access_of(topology, resolver),
            resolver,
            served,
            clients=knobs.clients,
            interval_ms=INTERVAL_MS,
        )
        for resolver in asked
    }
    ways_s = {
        resolver: {
            p.name: round_trips_s(topology, place_of(topology, resolver), p.transit)[1]
            for p in topology.zone.providers
        }
        for resolver in cohorts
    }
    nearest = {resolver: _nearest(to_s) for resolver, to_s in ways_s.items()}
    outages = {
        p.name: Fault(kind=FaultKind.PROVIDER_OUTAGE, target=p.name, label=p.name)
        for p in topology.zone.providers
    }
    gone, *others = sorted(
        outages, key=lambda name: -list(nearest.values()).count(name)
    )
    names = [n for n in topology.zone.names if n.name != served.name]
    life_s = max(bounds.lifetime_s(timers, r) for r in cohorts) + 2.0
    # Each resolver has to ask for it once more, and a client has to notice.
    pace_s = INTERVAL_MS / 1000
    one_s = pace_s + max(
        caching.asked_once_s(timers, r, interval_s=pace_s) for r in cohorts
    )
    # Before it serves what it had, a resolver may try them all once more.
    ended_s = life_s + max(
        caching.gives_up_s(r, providers=len(outages)) for r in cohorts
    )

    def saved(survivor: str) -> Iterator[Measures]:
        """Yield what a second provider is worth, and what the first one's end costs."""
        for resolver in cohorts:
            bound = caching.first_questions(
                resolver,
                nearest=nearest[resolver] == gone,
                round_trip_s=max(ways_s[resolver].values()),
            )
            yield Measures(
                section=f"{gone} is gone: the slowest of {len(names)} first questions",
                text=_told(resolver),
                figure=Greatest(
                    of=tuple(
                        AnswerTime(ask=_first(resolver, name), percent=99)
                        for name in names
                    )
                ),
                low=bound.low_s,
                high=bound.high_s,
                unit=Unit.SECONDS,
                why=bound.why,
            )
        for resolver, cohort in cohorts.items():
            low, high, why = caching.outlived(
                timers,
                resolver,
                for_s=one_s,
                interval_s=pace_s,
                round_trip_s=max(ways_s[resolver].values()),
            )
            yield Measures(
                section=f"{gone} is gone, {survivor} is there: requests that fail",
                text=_told(resolver),
                figure=FailedShare(cohorts=(cohort.name,), during="one"),
                low=low,
                high=high,
                unit=Unit.PERCENT,
                why=why,
            )
        for resolver in cohorts:
            least, why = caching.asked_again(
                timers, resolver, for_s=one_s, interval_s=pace_s
            )
            yield Measures(
                section=f"{gone} is gone: queries that {survivor} gets for the name",
                text=_told(resolver),
                figure=Upstream(
                    qname=served.name,
                    during="one",
                    resolver=resolver.name,
                    provider=survivor,
                ),
                low=least,
                high=None,
                why=why,
            )

    def expectations() -> Iterator[Expectation]:
        for survivor in others[:1]:
            yield from saved(survivor)
        for resolver, cohort in cohorts.items():
            low, high, why = 1.0, 1.0, "it has nothing to serve"
            if resolver.behaviour is ResolverBehaviour.SERVE_STALE:
                low, high, why = caching.late_stale_cost(
                    timers,
                    resolver,
                    for_s=DARK_S,
                    clients=knobs.clients,
                    interval_s=pace_s,
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
        yield from common.lab_itself(topology)

    one: tuple[Step, ...] = (
        *(_ask(cohorts, name) for name in names),
        Observe(for_s=one_s, label="one", from_now=True),
    )
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(cohorts.values()),
        steps=(
            Prime(),
            outages[gone],
            *(one if others else ()),
            *(outages[name] for name in others),
            Observe(for_s=ended_s, label="ending"),
            Observe(for_s=ended_s + DARK_S, label="dark"),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


def _ask(cohorts: Mapping[Resolver, Cohort], name: ServedName) -> Ask:
    """Return the step that asks every resolver for a name, for the first time."""
    return Ask(
        label=name.name,
        questions=tuple(
            Question(
                label=_first(resolver, name),
                access=cohort.access,
                server=resolver.name,
                qname=name.name,
                count=2,
                interval_ms=1.0,
            )
            for resolver, cohort in cohorts.items()
        ),
    )


def _nearest(ways_s: Mapping[str, float]) -> str:
    """Return the one provider that is nearer than all others, or ""."""
    first, *others = sorted(ways_s, key=lambda name: ways_s[name])
    return first if all(ways_s[first] < ways_s[other] for other in others) else ""


def _first(resolver: Resolver, name: ServedName) -> str:
    return f"{name.name} of {resolver.name}"


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

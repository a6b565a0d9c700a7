"""Every check fails: is the answer everything or nothing, and what follows from it?

Two names differ in that choice alone. Both regions fail all requests, so that either
way nobody is served. Then both are well again, and only those recover at once who had
an address to try: that there was none had been cached, too, for as long as the zone
says. How long is measured at a resolver that was told so just before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from lab.scenario import bounds, caching, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import AnsweredFor, AnsweredWith, FailedShare, Unanswered
from lab.scenario.model import (
    Ask,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Question,
    Restore,
    Scenario,
    Undo,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import farthest_s
from lab.topology.model import AllDown, Failover, ResolverBehaviour, Topology

INTERVAL_MS = 500
ANSWERS = 50
PACE_MS = 10.0
#: Pace of the questions that show for how long there is no address.
EVERY_MS = 100.0
#: From the first of these questions until the first region is let serve again: the
#: resolver has its answer by then, else a check in between could change it.
ASKED_S = caching.STUB_S
#: From the first of these questions until both regions serve again.
UNDONE_S = 2.0
NONE = "no address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[str, Knob("who is asked; the first honest one unless set")] = ""
    clients: Annotated[int, Knob("clients of each name", minimum=1)] = 4
    age_s: Annotated[float, Knob("age of cached answers at the fault", minimum=1)] = 1.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    empties = pick.name(topology, Failover, where=lambda n: n.all_down is AllDown.EMPTY)
    opens = pick.name(
        topology,
        Failover,
        where=lambda n: (
            n.all_down is AllDown.FAIL_OPEN
            and (n.ttl_s, n.probe, n.regions)
            == (empties.ttl_s, empties.probe, empties.regions)
        ),
    )
    resolver = pick.resolver(
        topology,
        ResolverBehaviour.HONEST,
        knobs.resolver,
        among=pick.PLAIN,
    )
    access = pick.access_of(topology, resolver)
    late = pick.resolver(
        topology, ResolverBehaviour.HONEST, where=lambda r: r != resolver
    )
    watch = {
        name.all_down: pick.cohort(
            access, resolver, name, clients=knobs.clients, interval_ms=INTERVAL_MS
        )
        for name in (opens, empties)
    }
    first, *others = (
        Fault(kind=FaultKind.BROWN_OUT, target=region, label=f"{region} fails")
        for region in empties.regions
    )
    first = replace(first, at_age_s=knobs.age_s)
    for fault in (first, *others):
        common.refuse_withdrawal(topology, fault)
    timers = topology.timers_of(empties.name)
    rounding = bounds.ROUNDINGS[resolver.daemon]
    detected = bounds.detection(
        topology.zone.providers, timers.check, round_trip_s=farthest_s(topology)
    )
    life_s = bounds.lifetime_s(timers, resolver) + rounding.late_s + rounding.copy_s
    fetched_s = detected.high_s + life_s + INTERVAL_MS / 1000 + bounds.ATTEMPT_S
    # The zone's negative TTL (RFC 2308, section 5) is the TTL that it has by default.
    none = caching.none_cached(
        topology.timers.ttl_s,
        late,
        well_s=UNDONE_S + caching.seen_well_s(topology.zone.providers, timers.check),
        every_s=EVERY_MS / 1000,
    )
    none_s = none.high_s + UNDONE_S
    everything = tuple(str(topology.region(r).address) for r in empties.regions)

    def asked(name: Failover, server: str) -> str:
        return f"{name.name} at {server}"

    def expectations() -> Iterator[Measures]:
        section = "Every region fails its check: answers of"
        for provider in topology.zone.providers:
            told = f"{provider.name} ({provider.daemon})"
            yield Measures(
                section=section,
                text=f"{told}, {opens.all_down}: with every address",
                figure=AnsweredWith(
                    ask=asked(opens, provider.name), addresses=everything
                ),
                low=ANSWERS,
                high=ANSWERS,
                why="one of them may work for somebody, whatever the checks say",
            )
            yield Measures(
                section=section,
                text=f"{told}, {empties.all_down}: with no address",
                figure=Unanswered(ask=asked(empties, provider.name)),
                low=1.0,
                high=1.0,
                unit=Unit.PERCENT,
                why="nothing that fails its check is handed out",
            )
        for choice, cohort in watch.items():
            yield Measures(
                section="Meanwhile: requests that fail",
                text=f"{choice}",
                figure=FailedShare(cohorts=(cohort.name,), during="down"),
                low=1.0,
                high=1.0,
                unit=Unit.PERCENT,
                why="no region serves anybody",
            )
        yield Measures(
            section="The regions are well again",
            text=f"{opens.all_down}: requests that fail",
            figure=FailedShare(cohorts=(watch[opens.all_down].name,), during="after"),
            low=0.0,
            high=0.0,
            unit=Unit.PERCENT,
            why="they had the right address all the time",
        )
        yield Measures(
            section="The regions are well again",
            text=f"{empties.all_down}: no address at {late.name}, which has just asked",
            figure=AnsweredFor(ask=NONE, addresses=()),
            low=none.low_s,
            high=none.high_s,
            unit=Unit.SECONDS,
            why=none.why,
        )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(watch.values()),
        steps=(
            Prime(),
            first,
            *others,
            Observe(for_s=fetched_s, label="down"),
            Ask(
                questions=tuple(
                    Question(
                        label=asked(name, provider.name),
                        access=access.name,
                        server=provider.name,
                        qname=name.name,
                        count=ANSWERS,
                        interval_ms=PACE_MS,
                    )
                    for name in (opens, empties)
                    for provider in topology.zone.providers
                )
            ),
            Ask(
                label=NONE,
                questions=(
                    Question(
                        label=NONE,
                        access=pick.access_of(topology, late).name,
                        server=late.name,
                        qname=empties.name,
                        count=int(none_s * 1000 / EVERY_MS),
                        interval_ms=EVERY_MS,
                    ),
                ),
                behind=True,
            ),
            Observe(for_s=ASKED_S, label="asked", from_now=True),
            *(
                Undo(target=region, label=f"{region} is well")
                for region in opens.regions
            ),
            Observe(for_s=none_s - ASKED_S, label="after"),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="all-down",
    title="When every check fails, the answer is a choice made before: all or nothing",
    questions=("Q7", "Q14"),
    topology="steering",
    knobs=Knobs,
    build=build,
)

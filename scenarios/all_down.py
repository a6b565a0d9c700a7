"""Every check fails: is the answer everything or nothing, and what follows from it?

Two names differ in that choice alone. Both regions fail all requests, so that either
way nobody is served. Then both are well again, and only those recover at once who had
an address to try: that there was none had been cached, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import AnsweredWith, FailedShare, Unanswered
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
#: How long to look once the regions are well again.
AFTER_S = 2.0


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
    timers = topology.timers_of(empties.name)
    rounding = bounds.ROUNDINGS[resolver.daemon]
    detected = bounds.detection(
        topology.zone.providers, timers.check, round_trip_s=farthest_s(topology)
    )
    life_s = bounds.lifetime_s(timers, resolver) + rounding.late_s + rounding.copy_s
    fetched_s = detected.high_s + life_s + INTERVAL_MS / 1000 + bounds.ATTEMPT_S
    # The zone's negative TTL (RFC 2308, section 5) is the TTL that it has by default.
    ended_s = (
        max(detected.low_s, timers.ttl_s - knobs.age_s - 2 * bounds.PRIMING_S)
        + topology.timers.ttl_s
        - rounding.early_s
    )
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
        left_s = (ended_s - fetched_s - bounds.PRIMING_S) / AFTER_S
        for choice, low, high, why in (
            (opens.all_down, 0.0, 0.0, "they had the right address all the time"),
            (
                empties.all_down,
                max(0.0, min(1.0, left_s)),
                1.0,
                "that there is no address is cached for "
                f"{topology.timers.ttl_s} s (RFC 2308)",
            ),
        ):
            yield Measures(
                section=f"The regions are well again: failing, first {AFTER_S:g} s",
                text=f"{choice}",
                figure=FailedShare(cohorts=(watch[choice].name,), during="after"),
                low=low,
                high=high,
                unit=Unit.PERCENT,
                why=why,
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
            *(
                Undo(target=region, label=f"{region} is well")
                for region in opens.regions
            ),
            Observe(for_s=AFTER_S, label="after"),
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

"""A region that passes its check and fails its users: what did the check look at?

Two names differ in one thing: the providers check one region endpoint that says whether
users would be served, or one that says that something listens. Then the region begins
to fail every request while it goes on listening.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import FailedShare
from lab.scenario.model import (
    DetectedWithin,
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
from lab.topology.distance import round_trips_s
from lab.topology.model import Failover, Probe, ResolverBehaviour, Topology

INTERVAL_MS = 500
#: How long to look once the checked name must have recovered.
LATE_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[str, Knob("who is asked; the first honest one unless set")] = ""
    clients: Annotated[int, Knob("clients of each name", minimum=1)] = 4
    age_s: Annotated[float, Knob("age of cached answers at the fault", minimum=1)] = 1.5


def build(topology: Topology, knobs: Knobs) -> Scenario:
    shallow = pick.name(topology, Failover, where=lambda n: n.probe is Probe.SHALLOW)
    deep = pick.name(
        topology,
        Failover,
        where=lambda n: n.probe is Probe.DEEP and n.ttl_s == shallow.ttl_s,
    )
    resolver = pick.resolver(
        topology, ResolverBehaviour.HONEST, knobs.resolver, among=pick.PLAIN
    )
    access = pick.access_of(topology, resolver)
    by_deep, by_shallow = (
        pick.cohort(
            access, resolver, name, clients=knobs.clients, interval_ms=INTERVAL_MS
        )
        for name in (deep, shallow)
    )
    fault = Fault(
        kind=FaultKind.BROWN_OUT, target=deep.regions[0], at_age_s=knobs.age_s
    )
    common.refuse_withdrawal(topology, fault)
    bound = common.recovery(topology, by_deep, fault)

    def expectations() -> Iterator[Expectation]:
        yield common.fails_until(
            "checked deep: last failure after the fault",
            by_deep,
            bound,
            fault,
            section="Who is rescued",
            during="observe",
        )
        for cohort, text, share, why in (
            (by_deep, "checked deep", 0.0, "its answer leads to the next region"),
            (by_shallow, "checked shallow", 1.0, "the check goes on passing"),
        ):
            yield Measures(
                section=f"Requests that fail, from {bound.high_s:g} s after the fault",
                text=text,
                figure=FailedShare(cohorts=(cohort.name,), during="late"),
                low=share,
                high=share,
                unit=Unit.PERCENT,
                why=why,
            )
        for provider in topology.zone.providers:
            yield DetectedWithin(
                text=f"{provider.name} ({provider.daemon}) declares it down",
                provider=provider.name,
                region=fault.target,
                bound=bounds.check_detection(
                    provider.daemon,
                    topology.timers.check,
                    round_trip_s=round_trips_s(
                        topology, provider.transit, fault.target
                    )[1],
                ),
            )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(by_deep, by_shallow),
        steps=(
            Prime(),
            fault,
            Observe(for_s=bound.high_s + bounds.ATTEMPT_S),
            Observe(for_s=bound.high_s + bounds.ATTEMPT_S + LATE_S, label="late"),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="shallow-probe",
    title="A shallow check passes while every user fails; a deep one moves them",
    questions=("Q7", "Q14"),
    topology="steering",
    knobs=Knobs,
    build=build,
)

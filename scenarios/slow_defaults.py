"""How long does a black hole go unseen with the defaults of a health checker?

A region falls silent. The providers check two names of it: one with the thresholds of
this topology, one with those that gdnsd has when nobody sets any. All that time both
are asked what they answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import LeftAfter
from lab.scenario.model import (
    Ask,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Question,
    Restore,
    Scenario,
    Unit,
)
from lab.scenario.settings import knob_texts
from lab.topology.distance import round_trips_s
from lab.topology.model import Failover, Probe, Topology

PACE_MS = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Nothing but the topology's timers can be set."""


def build(topology: Topology, knobs: Knobs) -> Scenario:
    slow = pick.name(topology, Failover, where=lambda n: n.threshold is not None)
    usual = pick.name(
        topology,
        Failover,
        where=lambda n: n.threshold is None and n.probe is Probe.DEEP,
    )
    fault = Fault(kind=FaultKind.POWER_OFF, target=slow.regions[0])
    address = str(topology.region(fault.target).address)
    asked = [(p, name) for name in (usual, slow) for p in topology.zone.providers]
    bound = {
        (p.name, name.name): bounds.check_detection(
            p.daemon,
            topology.check_of(name.name),
            round_trip_s=round_trips_s(topology, p.transit, fault.target)[1],
            silent_s=bounds.unanswered_s(topology.timers, fault.kind),
        )
        for p, name in asked
    }
    for_s = max(b.high_s for b in bound.values()) + 2.0

    def expectations() -> Iterator[Measures]:
        for provider, name in asked:
            check = topology.check_of(name.name)
            expected = bound[provider.name, name.name]
            yield Measures(
                section=f"A check each {check.interval_s} s, threshold "
                f"{check.threshold}: the dead address leaves the answer after",
                text=f"{provider.name} ({provider.daemon})",
                figure=LeftAfter(ask=f"{provider.name}-{name.name}", address=address),
                low=expected.low_s,
                high=expected.high_s,
                unit=Unit.SECONDS,
                why=expected.why,
            )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(),
        steps=(
            Ask(
                behind=True,
                questions=tuple(
                    Question(
                        label=f"{provider.name}-{name.name}",
                        access=topology.access[0].name,
                        server=provider.name,
                        qname=name.name,
                        count=int((for_s + 2) * 1000 / PACE_MS),
                        interval_ms=PACE_MS,
                    )
                    for provider, name in asked
                ),
            ),
            fault,
            Observe(for_s=for_s),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="slow-defaults",
    title="With a checker's defaults a black hole goes unseen for a hundred seconds",
    questions=("Q14",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

"""A region dies. Who recovers when, and which layer costs which seconds?

Every client population watches at once: behind anycast, behind health-checked DNS,
behind plain round robin. All caches are primed to a known age, shown to be on the
path, and then one region is switched off, crashes, or is drained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from lab.scenario import common, crowd, forecast
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.crowd import Pace
from lab.scenario.model import (
    Behaviour,
    Fault,
    FaultKind,
    Observe,
    Prime,
    ProveCache,
    Restore,
    Scenario,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.model import AnycastName, Failover, RoundRobin, Topology

BEHAVIOURS = (Behaviour.FIRST_ADDRESS, Behaviour.RETRY_NEXT, Behaviour.PINNED)
DEATHS = (FaultKind.POWER_OFF, FaultKind.CRASH, FaultKind.DRAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    fault: Annotated[FaultKind, Knob("how the region dies", words=DEATHS)] = (
        FaultKind.POWER_OFF
    )
    target: Annotated[str, Knob("region that dies; the first unless set")] = ""
    age_s: Annotated[float, Knob("age of cached answers then; else TTL / 3")] = 0.0
    anycast_clients: Annotated[int, Knob("clients per cohort", minimum=1)] = 1
    anycast_interval_ms: Annotated[int, Knob("pace of each", minimum=50)] = 200
    dns_clients: Annotated[int, Knob("clients per cohort", minimum=1)] = 2
    dns_interval_ms: Annotated[int, Knob("pace of each", minimum=50)] = 500


def build(topology: Topology, knobs: Knobs) -> Scenario:
    knobs = replace(
        knobs,
        target=crowd.region_or_first(topology, knobs.target),
        age_s=crowd.age_or_third(topology, knobs.age_s),
    )
    anycast = Pace(clients=knobs.anycast_clients, interval_ms=knobs.anycast_interval_ms)
    dns = Pace(clients=knobs.dns_clients, interval_ms=knobs.dns_interval_ms)
    watch = (
        *crowd.cohorts(topology, AnycastName, anycast, behaviours=BEHAVIOURS),
        *crowd.cohorts(topology, Failover, dns, behaviours=BEHAVIOURS),
        *crowd.cohorts(topology, RoundRobin, dns, behaviours=(Behaviour.RETRY_NEXT,)),
    )
    drains = knobs.fault is FaultKind.DRAIN
    wait_s = forecast.drain_s(topology, interval_s=dns.interval_s) if drains else 0.0
    fault = Fault(
        kind=knobs.fault, target=knobs.target, at_age_s=knobs.age_s, drain_s=wait_s
    )
    expected = crowd.expectations(topology, watch, fault)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=watch,
        steps=(
            Prime(),
            ProveCache(until_s=knobs.age_s - crowd.BEFORE_FAULT_S),
            fault,
            Observe(for_s=crowd.observe_s(expected, fault)),
            Restore(),
        ),
        expectations=(*expected, *common.lab_itself(topology)),
    )


SCENARIO = ScenarioFile(
    name="region-kill",
    title="A region dies: anycast clients are back in under a second, DNS clients wait",
    questions=("Q3", "Q4", "Q11", "Q12", "Q14", "Q15", "Q16"),
    topology="two-region",
    knobs=Knobs,
    build=build,
)

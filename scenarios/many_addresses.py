"""One dead address among several: who recovers inside the same request?

An answer holds the addresses of all regions, and nobody checks them. One region dies.
Every kind of client meets its address first some of the time; what it does then decides
whether its user notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import share_bounds
from lab.scenario.figures import AttemptTime, FailedShare
from lab.scenario.model import (
    Behaviour,
    Expectation,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    RescuedByRetry,
    Restore,
    Scenario,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.model import ResolverBehaviour, RoundRobin, Topology

INTERVAL_MS = 1000
FOR_S = 8.0
RESCUED = (Behaviour.RETRY_NEXT, Behaviour.HAPPY_EYEBALLS, Behaviour.SDK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("clients of each behaviour", minimum=6)] = 36
    resolver: Annotated[str, Knob("who is asked; the first honest one unless set")] = ""
    fault: Annotated[
        FaultKind,
        Knob("how the region dies", words=(FaultKind.POWER_OFF, FaultKind.CRASH)),
    ] = FaultKind.POWER_OFF
    target: Annotated[str, Knob("region that dies; the last unless set")] = ""


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = pick.name(topology, RoundRobin, where=lambda n: len(n.regions) > 2)
    resolver = pick.resolver(
        topology, ResolverBehaviour.HONEST, knobs.resolver, among=pick.PLAIN
    )
    access = pick.access_of(topology, resolver)
    target = pick.region(topology, knobs.target or served.regions[-1])
    cohorts = {
        behaviour: pick.cohort(
            access,
            resolver,
            served,
            behaviour,
            clients=knobs.clients,
            interval_ms=INTERVAL_MS,
        )
        for behaviour in Behaviour
    }
    fault = Fault(kind=knobs.fault, target=target.name)
    share = 1 / len(served.regions)

    def expectations() -> Iterator[Expectation]:
        # A client keeps its choice for the TTL: each is one draw, a few take a second.
        least, most = share_bounds(share, knobs.clients)
        for behaviour in (Behaviour.FIRST_ADDRESS, Behaviour.PINNED):
            yield Measures(
                section="Requests that fail, to the end",
                text=behaviour.value,
                figure=FailedShare(
                    cohorts=(cohorts[behaviour].name,), during="observe"
                ),
                low=least,
                high=most,
                unit=Unit.PERCENT,
                why=f"{share:.0%} of first addresses are the dead one, drawn by "
                f"{knobs.clients} clients; nobody takes it out of the answer",
            )
        yield Measures(
            section="Requests that fail, to the end",
            text=Behaviour.POOL.value,
            figure=FailedShare(
                cohorts=(cohorts[Behaviour.POOL].name,), during="observe"
            ),
            low=1 / (knobs.clients * FOR_S * 1000 / INTERVAL_MS),
            high=most,
            unit=Unit.PERCENT,
            why="a connection to it is missed once at least, and the new one may go to "
            "the dead address as well",
        )
        for behaviour in RESCUED:
            yield Measures(
                section="Requests that fail, to the end",
                text=behaviour.value,
                figure=FailedShare(
                    cohorts=(cohorts[behaviour].name,), during="observe"
                ),
                low=0.0,
                high=0.0,
                unit=Unit.PERCENT,
                why="the next address works, inside the same request",
            )
        for behaviour in RESCUED:
            rescue = common.rescue(topology, cohorts[behaviour], fault)
            yield Measures(
                section="What a rescued request takes (median)",
                text=behaviour.value,
                figure=AttemptTime(
                    cohorts=(cohorts[behaviour].name,),
                    during="observe",
                    percent=50,
                    rescued=True,
                ),
                low=rescue.low_s,
                high=rescue.high_s,
                unit=Unit.MILLISECONDS,
                why=rescue.why,
            )
        yield RescuedByRetry(
            text="requests that met the dead address and worked at another",
            cohorts=tuple(cohorts[b].name for b in RESCUED),
            why="the dead address stays in the answer",
        )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(cohorts.values()),
        steps=(Prime(), fault, Observe(for_s=FOR_S), Restore()),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="many-addresses",
    title="Several addresses help clients that try the next one, and nobody else",
    questions=("Q12",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

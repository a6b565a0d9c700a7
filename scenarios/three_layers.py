"""Which layer mends what: the same service dies a part at a time.

A backend, then the balancer before it, then the whole region's service. Each layer
hides the death below it, in its own unit and its own time: L7 within the request, ECMP
and BFD per flow, anycast per site, DNS per resolver and TTL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, common, crowd, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import share_bounds
from lab.scenario.figures import FailedShare, LastFailure, Over, ServedShare, Unanimity
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
    Undo,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.model import AnycastName, Failover, ResolverBehaviour, Topology

INTERVAL_MS = 200
STEADY_S, SMALL_S = 3.0, 3.0
FOLLOWS = "After the death of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("clients of each name", minimum=4)] = 12
    age_s: Annotated[float, Knob("age of cached answers at the death", minimum=1)] = 4.0


def after(fault: Fault) -> str:
    """Return the label of the step that watches what follows a death."""
    return f"after-{fault.label}"


def build(topology: Topology, knobs: Knobs) -> Scenario:
    resolver = pick.resolver(topology, ResolverBehaviour.HONEST)
    access = pick.access_of(topology, resolver)
    checked = pick.name(topology, Failover)
    region = pick.spared(topology, checked.regions[0])

    def users(
        name: AnycastName | Failover, how: Behaviour = Behaviour.FIRST_ADDRESS
    ) -> Cohort:
        return pick.cohort(
            access,
            resolver,
            name,
            how,
            clients=knobs.clients,
            interval_ms=INTERVAL_MS,
        )

    by_route, by_dns = users(pick.name(topology, AnycastName)), users(checked)
    kept = users(pick.name(topology, AnycastName), Behaviour.POOL)
    backend = Fault(kind=FaultKind.CRASH, target=f"{region.name}-be-1", label="backend")
    balancer = Fault(
        kind=FaultKind.HANG, target=f"{region.name}-l4-1", label="balancer"
    )
    service = Fault(
        kind=FaultKind.APP_DEAD,
        target=region.name,
        at_age_s=crowd.age_or_third(topology, knobs.age_s),
        label="service",
    )
    route, answer = (common.recovery(topology, c, service) for c in (by_route, by_dns))
    flow = bounds.bfd_detection(topology.timers.bfd)
    step_s = INTERVAL_MS / 1000

    def last(cohort: Cohort, fault: Fault) -> LastFailure:
        return LastFailure(
            cohorts=(cohort.name,), during=after(fault), fault=fault.label
        )

    def expectations() -> Iterator[Expectation]:
        yield Measures(
            section="Unit of balancing",
            text="DNS: attempts with one cached answer that go to one region",
            figure=Unanimity(cohorts=(by_dns.name,), during="steady"),
            low=1.0,
            high=1.0,
            unit=Unit.PERCENT,
            why="whoever asks the resolver within the TTL gets what it holds",
        )
        share = region.backends[0].weight / sum(b.weight for b in region.backends)
        least, most = share_bounds(
            share, int(knobs.clients * STEADY_S * 1000 / INTERVAL_MS)
        )
        yield Measures(
            section="Unit of balancing",
            text=f"L7: requests on kept connections that {backend.target} serves",
            figure=ServedShare(
                cohorts=(kept.name,), during="steady", backend=backend.target
            ),
            low=least,
            high=most,
            unit=Unit.PERCENT,
            why="each request is balanced anew, whatever its connection: "
            f"{share:.0%} by weight",
        )
        for cohort in (by_route, by_dns):
            yield Measures(
                section=f"{FOLLOWS} a backend: requests that fail",
                text=f"L7, for users of {cohort.qname}",
                figure=FailedShare(cohorts=(cohort.name,), during=after(backend)),
                low=0.0,
                high=0.0,
                unit=Unit.PERCENT,
                why="the proxy repeats the request at the next backend (RFC 9110, 9.2)",
            )
        yield Measures(
            section=f"{FOLLOWS} an L4 node: last failed request",
            text=f"flows of {by_route.qname}, moved by BFD and ECMP",
            figure=last(by_route, balancer),
            low=max(0.0, flow.low_s - step_s),
            high=flow.high_s + bounds.CONVERGENCE_S,
            unit=Unit.SECONDS,
            why=f"{flow.why}; + {bounds.CONVERGENCE_S:g} s for the routes",
        )
        for cohort, bound, layer in (
            (by_route, route, "anycast: the route is withdrawn"),
            (by_dns, answer, "DNS: detection, then the rest of the TTL"),
        ):
            yield common.fails_until(
                layer,
                cohort,
                bound,
                service,
                section=f"{FOLLOWS} a region's service: last failed request",
                during=after(service),
            )
        yield Measures(
            section=f"{FOLLOWS} a region's service: last failed request",
            text="DNS takes longer than the route, by this factor",
            figure=Over(top=last(by_dns, service), bottom=last(by_route, service)),
            low=(answer.low_s - step_s) / route.high_s,
            high=None,
            unit=Unit.TIMES,
            why="the least of the one over the most of the other",
        )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(by_route, kept, by_dns),
        steps=(
            Prime(),
            Observe(for_s=STEADY_S, label="steady"),
            backend,
            Observe(for_s=SMALL_S, label=after(backend)),
            Undo(target=backend.target, label="mended"),
            balancer,
            Observe(for_s=SMALL_S, label=after(balancer)),
            Restore(),
            Prime(),
            service,
            Observe(for_s=answer.high_s + bounds.ATTEMPT_S, label=after(service)),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="three-layers",
    title="A backend, a balancer, a region: which layer hides which death, and when",
    questions=("Q6", "Q13"),
    topology="two-region",
    knobs=Knobs,
    build=build,
)

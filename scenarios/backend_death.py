"""One of five nodes dies: which flows move, by three kinds of hash?

Each user's connections all come from one port, so each is the same flow again and
again, and the reply tells which L7 node got it. Whoever has a connection open keeps
its node whatever the hash says now. Then a backend dies, behind L7 nodes that repeat a
request and behind some that do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import SIGMAS, longest_miss, share_bounds
from lab.scenario.figures import FailedShare, FlowsMoved, LastFailure
from lab.scenario.model import (
    Behaviour,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Restore,
    Scenario,
    Step,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.l4 import L4Hash
from lab.topology.model import Region, ResolverBehaviour, Topology

KEPT, KEPT_MS = 20, 500
#: Each has a port of its own, and a client node sets 10,240 apart for them.
MOST_FLOWS = 10_000
#: From a death until every balancer knows, and whatever failed till then is over.
NOTICED_S = bounds.looked_dead().high_s + bounds.ATTEMPT_S
#: Of a Maglev table of 65,537 slots, this much of all flows moves beside the dead
#: node's, at most. Source: NSDI 2016, section 5.3; measured for five nodes.
COLLATERAL = 0.008
#: Points that Envoy's ring has at least, shared out among all nodes (its manual).
RING_POINTS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    flows: Annotated[
        int, Knob("flows of each region", minimum=500, maximum=MOST_FLOWS)
    ] = 1500
    rate: Annotated[int, Knob("of all flows in a second", minimum=100)] = 500


def build(topology: Topology, knobs: Knobs) -> Scenario:
    if lone := next((r for r in topology.regions if r.l7 < 2), None):
        what = f"topology {topology.name}: region {lone.name} has l7: {lone.l7}"
        raise InvalidInput((Problem(what=what, allowed="2 or more"),))
    hashed = [
        _Hashed(topology=topology, region=region, knobs=knobs)
        for region in topology.regions
    ]
    pass_s = hashed[0].pass_s
    repeating = [h for h in hashed if len(h.region.backends) > 1]
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(cohort for h in hashed for cohort in (h.flows, h.kept)),
        steps=(
            Prime(),
            Observe(for_s=pass_s, label="before"),
            *(step for h in hashed for step in h.watched(h.death, NOTICED_S)),
            Observe(for_s=NOTICED_S + pass_s, label="after"),
            Restore(),
            *(step for h in repeating for step in h.watched(h.backend, NOTICED_S)),
            Restore(),
        ),
        expectations=(
            *(h.moved() for h in hashed),
            *(h.spared() for h in hashed),
            *(h.tracked() for h in hashed),
            *(row for h in hashed for row in h.noticed()),
            *(row for h in repeating for row in h.repeated()),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Hashed:
    """A region's way to share flows out, and what becomes of them."""

    topology: Topology
    region: Region
    knobs: Knobs

    @cached_property
    def pass_s(self) -> float:
        """How long it takes every flow of every region to come once."""
        flows = self.knobs.flows * len(self.topology.regions)
        return flows / self.knobs.rate + bounds.ATTEMPT_S

    @property
    def each_s(self) -> float:
        """Time from one flow of the region to the next."""
        return len(self.topology.regions) / self.knobs.rate

    @cached_property
    def flows(self) -> Cohort:
        pace_ms = int(1000 * (self.pass_s - bounds.ATTEMPT_S))
        return self._users(Behaviour.FIRST_ADDRESS, self.knobs.flows, pace_ms)

    @cached_property
    def kept(self) -> Cohort:
        return self._users(Behaviour.POOL, KEPT, KEPT_MS)

    @property
    def death(self) -> Fault:
        target = f"{self.region.name}-l7-1"
        return Fault(kind=FaultKind.CRASH, target=target, label=target)

    @property
    def backend(self) -> Fault:
        target = f"{self.region.name}-be-1"
        return Fault(kind=FaultKind.CRASH, target=target, label=target)

    @property
    def told(self) -> str:
        return f"{self.region.name}: {self.region.l4_kind}, {self.region.l4_hash}"

    def watched(self, fault: Fault, for_s: float) -> tuple[Step, ...]:
        return fault, Observe(for_s=for_s, label=_after(fault))

    def beside(self) -> tuple[float, float, str]:
        """Return the share of the living nodes' flows that move, and why."""
        nodes, left = self.region.l7, self.region.l7 - 1
        living = int(self.knobs.flows * left / nodes)
        match self.region.l4_hash:
            case L4Hash.MAGLEV:
                why = "few slots of the living change hands when the table is made anew"
                return 0.0, COLLATERAL * nodes / left, why
            case L4Hash.RING:
                old, new = (math.ceil(RING_POINTS / n) for n in (nodes, left))
                more = left * (new - old)
                share = more / (more + nodes * old) * (left - 1) / left
                spread = math.sqrt(2 / more + (1 - share) / share / living)
                why = (
                    f"Envoy shares {RING_POINTS} points out among the living: {left} "
                    f"nodes get {new - old} more each, in the midst of the others'"
                )
                low, high = (share * (1 + s * SIGMAS * spread) for s in (-1, 1))
                return low, high, why
        why = f"the remainder of a division by {left} is mostly another than by {nodes}"
        return *share_bounds(1 - 1 / left, living), why

    def moved(self) -> Measures:
        nodes = self.region.l7
        low, high, why = self.beside()
        dead = share_bounds(1 / nodes, self.knobs.flows)
        return Measures(
            section=f"Flows that move when one of {nodes} L7 nodes dies",
            text=self.told,
            figure=FlowsMoved(
                cohorts=(self.flows.name,), before="before", after="after"
            ),
            low=dead[0] + (1 - dead[0]) * low,
            high=dead[1] + (1 - dead[1]) * high,
            unit=Unit.PERCENT,
            why=f"those of the dead one, {1 / nodes:.0%} or so by chance, and: {why}",
        )

    def spared(self) -> Measures:
        low, high, why = self.beside()
        return Measures(
            section="Flows that move though their node lives",
            text=self.told,
            figure=FlowsMoved(
                cohorts=(self.flows.name,),
                before="before",
                after="after",
                spared=self.death.target,
            ),
            low=low,
            high=high,
            unit=Unit.PERCENT,
            why=why,
        )

    def tracked(self) -> Measures:
        return Measures(
            section="Open connections that move though their node lives",
            text=self.told,
            figure=FlowsMoved(
                cohorts=(self.kept.name,),
                before="before",
                after="after",
                spared=self.death.target,
            ),
            low=0.0,
            high=0.0,
            unit=Unit.PERCENT,
            why="a connection that is known stays, whatever a new one would get",
        )

    def noticed(self) -> Iterator[Measures]:
        dead = bounds.looked_dead()
        gap_s = longest_miss(1 / self.region.l7) * self.each_s
        section = "An L7 node dies: requests that fail"
        yield Measures(
            section=section,
            text=f"{self.told}: the last one",
            figure=LastFailure(
                cohorts=(self.flows.name,),
                during=_after(self.death),
                fault=self.death.label,
            ),
            low=max(0.0, dead.low_s - gap_s),
            high=dead.high_s,
            unit=Unit.SECONDS,
            why=f"{dead.why}; by chance none goes to it for up to {gap_s:.2g} s",
        )
        yield Measures(
            section=section,
            text=f"{self.told}: once it is known",
            figure=FailedShare(cohorts=(self.flows.name,), during="after"),
            low=0.0,
            high=0.0,
            unit=Unit.PERCENT,
            why="nothing is sent to a node that is known to be dead",
        )

    def repeated(self) -> Iterator[Measures]:
        section = f"{self.region.l7_retries} retries at L7 when a backend dies"
        cohorts = (self.flows.name,)
        if self.region.l7_retries:
            yield Measures(
                section=section,
                text=f"{self.region.name}: requests that fail",
                figure=FailedShare(cohorts=cohorts, during=_after(self.backend)),
                low=0.0,
                high=0.0,
                unit=Unit.PERCENT,
                why="the proxy repeats the request elsewhere (RFC 9110, 9.2)",
            )
            return
        dead = bounds.looked_dead()
        gap_s = longest_miss(1 / len(self.region.backends)) * self.each_s
        yield Measures(
            section=section,
            text=f"{self.region.name}: the last request that fails",
            figure=LastFailure(
                cohorts=cohorts, during=_after(self.backend), fault=self.backend.label
            ),
            low=dead.low_s - gap_s,
            high=dead.high_s,
            unit=Unit.SECONDS,
            why=f"{dead.why}; by chance none goes to it for up to {gap_s:.2g} s",
        )

    def _users(self, how: Behaviour, clients: int, pace_ms: int) -> Cohort:
        name = pick.leading_to(self.topology, self.region)
        resolver = pick.resolver(self.topology, ResolverBehaviour.HONEST)
        return pick.cohort(
            pick.access_of(self.topology, resolver),
            resolver,
            name,
            how,
            clients=clients,
            interval_ms=pace_ms,
            keeps_port=True,
        )


def _after(fault: Fault) -> str:
    return f"after-{fault.label}"


SCENARIO = ScenarioFile(
    name="backend-death",
    title="One of five dies: a consistent hash moves its flows, a remainder nearly all",
    questions=("Q6", "Q10"),
    topology="hashing",
    knobs=Knobs,
    build=build,
)

"""An L4 node dies under established connections: who notices?

In one region L4 nodes end users' connections and begin their own; in the other their
kernels send each packet on, to where every L4 node's table has its flow. The one kind
takes its connections along when it dies, and when it comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, common, patience, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import longest_miss, share_bounds
from lab.scenario.figures import FailedShare, LastFailure, Reconnected
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
    Undo,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.l4 import L4Kind
from lab.topology.model import Region, ResolverBehaviour, Topology

#: Longer than a user waits: each connection carries one request at a time.
KEPT_MS = 1000
NEW_MS, NEW_CLIENTS = 200, 12
STEADY_S = 2.0
#: BIRD connects anew within three seconds (`error wait`, `connect delay`: configs/bird)
#: and announces its routes after a few good looks at the service.
BACK_S = 5.0
#: A frozen proxy is as silent as one without power; a kernel goes on until it has none.
DEATHS = {L4Kind.PROXY: FaultKind.HANG, L4Kind.PACKET: FaultKind.POWER_OFF}
#: When TCP repeats for the second time what nobody acknowledged: a probe after 200 ms
#: (RFC 8985, section 7.2), and what RFC 6298 prescribes 200 ms after that on Linux. The
#: third time is later than a user waits.
REPEATED_S = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("clients that keep a connection", minimum=20)] = 60


def build(topology: Topology, knobs: Knobs) -> Scenario:
    each = [
        _Death(topology=topology, kind=kind, clients=knobs.clients) for kind in L4Kind
    ]
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(cohort for death in each for cohort in (death.kept, death.new)),
        steps=(
            Prime(),
            Observe(for_s=STEADY_S, label="steady"),
            *(step for death in each for step in death.steps()),
            Restore(),
        ),
        expectations=(
            *(row for death in each for row in death.broken()),
            *(row for death in each for row in death.failing()),
            *(row for death in each for row in death.moving()),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Death:
    """The death of one region's first L4 node, its return, and who is connected."""

    topology: Topology
    kind: L4Kind
    clients: int

    @cached_property
    def region(self) -> Region:
        for region in self.topology.regions:
            if region.l4_kind is self.kind and region.l4 == 2:
                return region
        what = f"topology {self.topology.name} has not what this scenario needs"
        allowed = f"one with a region of two L4 nodes of the kind {self.kind}"
        raise InvalidInput((Problem(what=what, allowed=allowed),))

    @cached_property
    def fault(self) -> Fault:
        target = f"{self.region.name}-l4-1"
        return Fault(kind=DEATHS[self.kind], target=target, label=self.kind)

    @cached_property
    def kept(self) -> Cohort:
        return self._users(Behaviour.POOL, self.clients, KEPT_MS)

    @cached_property
    def new(self) -> Cohort:
        return self._users(Behaviour.FIRST_ADDRESS, NEW_CLIENTS, NEW_MS)

    @cached_property
    def mended(self) -> bool:
        """Whether TCP repeats what the dead node got when there is another way."""
        silence = bounds.silence(self.topology.timers)
        return silence.high_s + bounds.REMOVAL_S <= REPEATED_S

    @cached_property
    def watch_s(self) -> float:
        """Time for the flows to have moved, and for whatever failed to be over."""
        silence = bounds.silence(self.topology.timers)
        return silence.high_s + bounds.CONVERGENCE_S + 2 * bounds.ATTEMPT_S

    @property
    def after(self) -> str:
        return f"after-{self.kind}"

    @property
    def back(self) -> str:
        return f"back-{self.kind}"

    def steps(self) -> Iterator[Step]:
        yield self.fault
        yield Observe(for_s=self.watch_s, label=self.after)
        yield Undo(target=self.fault.target, label=f"undone-{self.kind}")
        yield Observe(for_s=BACK_S, label=self.back)

    def broken(self) -> Iterator[Measures]:
        part = 1 / self.region.l4
        section = "Kept connections that break"
        for during, text, share, why in (
            (
                self.after,
                f"{self.fault.target} dies ({self.fault.kind})",
                part,
                f"it ends 1 in {self.region.l4} connections, and no other node knows "
                "them",
            ),
            (
                self.back,
                f"{self.fault.target} comes back",
                part * part,
                "those opened meanwhile and now hashed to it, which does not know them",
            ),
        ):
            low, high = share_bounds(share, self.clients)
            if self.kind is L4Kind.PACKET:
                low, why = 0.0, "any node sends a flow's packets to the same L7 node"
                if self.mended:
                    high = 0.0
                else:
                    why += "; who waits longer than a user does gives up"
            yield Measures(
                section=section,
                text=text,
                figure=Reconnected(cohorts=(self.kept.name,), during=during),
                low=low,
                high=high,
                unit=Unit.PERCENT,
                why=why,
            )

    def failing(self) -> Iterator[Measures]:
        if not self.mended:
            return
        silence = bounds.silence(self.topology.timers)
        low, high = 0.0, 0.0
        why = (
            f"TCP repeats after {REPEATED_S:g} s what the dead node got, by then on "
            f"the new way; a user waits {patience.CONNECT_MS / 1000:g} s"
        )
        if self.kind is L4Kind.PROXY:
            requests = self.watch_s * 1000 / KEPT_MS
            dark = [
                1000 * dark_s / KEPT_MS / self.region.l4
                for dark_s in (silence.low_s, silence.high_s + bounds.REMOVAL_S)
            ]
            low = share_bounds(dark[0], self.clients)[0] / requests
            high = share_bounds(dark[1], self.clients)[1] / requests
            why = (
                "its kernel acknowledges what the frozen proxy never reads, so TCP "
                f"repeats nothing: 1 in {self.region.l4} requests of {silence.low_s:g} "
                f"to {silence.high_s:g} s"
            )
        yield Measures(
            section="Requests on kept connections that fail",
            text=self.fault.target,
            figure=FailedShare(cohorts=(self.kept.name,), during=self.after),
            low=low,
            high=high,
            unit=Unit.PERCENT,
            why=why,
        )

    def moving(self) -> Iterator[Measures]:
        silence = bounds.silence(self.topology.timers)
        missed = longest_miss(1 / self.region.l4)
        gap_s = missed * NEW_MS / 1000 / NEW_CLIENTS
        yield Measures(
            section="New connections: the last one that fails",
            text=self.fault.target,
            figure=LastFailure(
                cohorts=(self.new.name,), during=self.after, fault=self.fault.label
            ),
            low=max(0.0, silence.low_s - gap_s),
            high=silence.high_s + bounds.CONVERGENCE_S,
            unit=Unit.SECONDS,
            why=f"{silence.why}; + {bounds.CONVERGENCE_S:g} s for the routes; up to "
            f"{missed} in a row may miss the dead node",
        )

    def _users(self, how: Behaviour, clients: int, pace_ms: int) -> Cohort:
        name = pick.leading_to(self.topology, self.region)
        resolver = pick.resolver(self.topology, ResolverBehaviour.HONEST)
        access = pick.access_of(self.topology, resolver)
        return pick.cohort(
            access, resolver, name, how, clients=clients, interval_ms=pace_ms
        )


SCENARIO = ScenarioFile(
    name="l4-node-death",
    title="A proxy takes its connections along; a node that sends packets on does not",
    questions=("Q6", "Q13"),
    topology="l4-kinds",
    knobs=Knobs,
    build=build,
)

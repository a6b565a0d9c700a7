"""Control of where users go, and recovery from a dead site: who gives how much of both?

One region is meant to serve everybody. By plain anycast BGP decides who goes there, and
some of the users do not; by unicast the operator decides, and users wait for DNS when
the region dies. Between the two are prefixes of which BGP is told whose they are: by
longer paths elsewhere, by a wider prefix elsewhere, by silence elsewhere until the
region is dead. All of them are there at once, and die at once.

Source: Zhu, Vermeulen, Cunha, Katz-Bassett and Calder, "The Best of Both Worlds", 2022.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import Failures, ServedShare, WithoutRoute
from lab.scenario.model import (
    Bound,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Restore,
    Scenario,
    Unit,
)
from lab.scenario.rerouting import Rerouting
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import transit_of
from lab.topology.hybrids import Technique
from lab.topology.model import (
    Access,
    AnycastName,
    Failover,
    HybridName,
    Topology,
)

INTERVAL_MS = 200
STEADY_S = 2.0
AGE_S = 1.0
AFTER = "after"
Name = AnycastName | HybridName | Failover
#: Who decides where users go: the operator says so in DNS, or in what is announced.
DECIDES = {
    None: "BGP decides, by the fewest networks",
    Technique.PREPENDING: "BGP decides, and paths to the others are made longer",
    Technique.SUPERPREFIX: "the operator decides: the longest prefix wins",
    Technique.REACTIVE: "the operator decides: nobody else announces it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("clients of each name and network", minimum=1)] = 2


def build(topology: Topology, knobs: Knobs) -> Scenario:
    by_dns = pick.name(topology, Failover)
    names: tuple[Name, ...] = (
        pick.name(topology, AnycastName),
        *(name for name in topology.zone.names if isinstance(name, HybridName)),
        by_dns,
    )
    fault = Fault(kind=FaultKind.POWER_OFF, target=by_dns.regions[0], at_age_s=AGE_S)
    each = [
        _Users(topology=topology, name=name, access=access, fault=fault, knobs=knobs)
        for name in names
        for access in topology.access
    ]
    last_s = max(users.recovery.high_s for users in each if users.recovery)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(users.cohort for users in each),
        steps=(
            Observe(for_s=STEADY_S, label="steady"),
            Prime(),
            fault,
            Observe(for_s=last_s + 2 * bounds.ATTEMPT_S, label=AFTER),
            Restore(),
        ),
        expectations=(
            *(users.control() for users in each),
            *(users.failing() for users in each if users.recovery),
            *(users.failing() for users in each if not users.recovery),
            *(row for users in each for row in users.unrouted()),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Users:
    """The users of one name in one network: where they go, and when they are back."""

    topology: Topology
    name: Name
    access: Access
    fault: Fault
    knobs: Knobs

    @cached_property
    def cohort(self) -> Cohort:
        return pick.cohort(
            self.access,
            pick.honest_in(self.topology, self.access),
            self.name,
            clients=self.knobs.clients,
            interval_ms=INTERVAL_MS,
        )

    @cached_property
    def routes(self) -> Rerouting:
        plain = Rerouting(topology=self.topology, lost=self.fault.target)
        if isinstance(self.name, HybridName):
            return replace(plain, hybrid=self.topology.hybrid(self.name.hybrid))
        return plain

    @property
    def how(self) -> str:
        if isinstance(self.name, Failover):
            return "unicast, by DNS"
        return self.routes.technique or "plain anycast"

    @cached_property
    def obeys(self) -> bool:
        """Whether they are served by the region that is meant to."""
        if isinstance(self.name, Failover):
            return True
        return self.routes.serves(self.access.name) == self.fault.target

    @cached_property
    def recovery(self) -> Bound | None:
        if not self.obeys:
            return None
        if isinstance(self.name, Failover):
            return common.recovery(self.topology, self.cohort, self.fault)
        moved = self.routes.moved(self.access.name)
        return common.following(self.topology, self.cohort, self.fault.target, moved)

    def control(self) -> Measures:
        share = float(self.obeys)
        decides = DECIDES[self.routes.technique]
        if isinstance(self.name, Failover):
            decides = "the operator decides, by the answer"
        return Measures(
            section=f"Control: served by {self.fault.target}, as the operator means",
            text=f"{self.how}, from {self.access.name}",
            figure=ServedShare(
                cohorts=(self.cohort.name,), during="steady", region=self.fault.target
            ),
            low=share,
            high=share,
            unit=Unit.PERCENT,
            why=decides,
        )

    def failing(self) -> Measures:
        who = f"{self.how}, from {self.access.name}"
        if self.recovery is None:
            return Measures(
                section="Served by another region all the time: requests lost",
                text=who,
                figure=Failures(cohorts=(self.cohort.name,), during=AFTER),
                low=0,
                high=0,
                why=f"{self.fault.target} does not serve them",
            )
        return common.fails_until(
            who,
            self.cohort,
            self.recovery,
            self.fault,
            section=f"Recovery: the last request that fails, {self.fault.target} dead",
            during=AFTER,
        )

    def unrouted(self) -> Iterator[Measures]:
        """Yield how long the transit beside the dead region has no route."""
        transit = transit_of(self.topology, self.fault.target)
        if isinstance(self.name, Failover) or self.access.transit != transit:
            return
        dark = self.routes.dark()
        yield Measures(
            section=f"{transit} has no route to the address",
            text=self.how,
            figure=WithoutRoute(
                router=transit, prefix=str(self.routes.fallback), during=AFTER
            ),
            low=dark.low_s,
            high=dark.high_s,
            unit=Unit.SECONDS,
            why=dark.why,
        )


SCENARIO = ScenarioFile(
    name="hybrids",
    title="Between anycast and unicast: who decides where users go, and who saves them",
    questions=("Q11", "Q15", "Q16"),
    topology="hybrids",
    knobs=Knobs,
    build=build,
)

"""A site of an anycast address dies in five ways: when does its route go, and why?

Users hold the one address of the service, and nothing that they cached is ever wrong:
what changes is where it leads. A silent death is missed by BFD, or else by the hold
timer of BGP; a dying kernel says so; a dead service is withdrawn by whoever looks at
it. Each time the site comes back, and its users with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, common, forecast, patience, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import (
    FailedShare,
    GoodAfterRoute,
    LastFailure,
    Requests,
    RouteMoved,
    ServedShare,
)
from lab.scenario.model import (
    Behaviour,
    Bound,
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
from lab.topology.distance import TOLERANCE_SHARE, round_trips_s, transit_of
from lab.topology.model import AnycastName, Topology

SILENT = (FaultKind.POWER_OFF, FaultKind.HANG)
#: Those that neighbours miss, or hear of, whoever looks at the service.
NOTICED = (*SILENT, FaultKind.CRASH)
KINDS = (*NOTICED, FaultKind.APP_DEAD, FaultKind.DRAIN)
CLIENTS = 50
KEEPERS, KEEPERS_RPS = 20, 100
DRAIN_S = 2.0
#: What users need to follow, beside the way itself.
FOLLOW_S = 0.1
BACK_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    target: Annotated[str, Knob("the site's region; the first unless set")] = ""
    rate: Annotated[int, Knob("requests of all users in a second", minimum=50)] = 500
    fault: Annotated[str, Knob("one death alone; each in turn unless set")] = ""


def build(topology: Topology, knobs: Knobs) -> Scenario:
    region = pick.region(topology, knobs.target)
    access = pick.beside(topology, region)
    if (
        forecast.catchment(topology, access.name) != {region.name}
        or not (topology.regions[1:])
    ):
        what = f"topology {topology.name}: users beside {region.name} have no other way"
        allowed = f"a region farther away than {region.name}, and none as near"
        raise InvalidInput((Problem(what=what, allowed=allowed),))
    served = pick.name(topology, AnycastName)
    resolver = pick.honest_in(topology, access)
    users, keepers = (
        pick.cohort(
            access,
            resolver,
            served,
            behaviour,
            clients=clients,
            interval_ms=1000 * clients // rate_rps,
        )
        for behaviour, clients, rate_rps in (
            (Behaviour.FIRST_ADDRESS, CLIENTS, knobs.rate),
            (Behaviour.POOL, KEEPERS, KEEPERS_RPS),
        )
    )
    told = _Deaths(
        topology=topology,
        region=region.name,
        users=users,
        keepers=keepers,
        kinds=_kinds(knobs.fault),
    )
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(users, keepers),
        steps=(
            Prime(),
            *(step for kind in told.kinds for step in told.steps(kind)),
        ),
        expectations=(
            *told.following(),
            *told.going(),
            *told.staying(),
            *told.draining(knobs.rate),
            *told.returning(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Deaths:
    """The ways in which one site dies, and what its users see of each."""

    topology: Topology
    region: str
    users: Cohort
    keepers: Cohort
    kinds: tuple[FaultKind, ...]

    @cached_property
    def bounds(self) -> dict[FaultKind, Bound]:
        """When users recover from each death that somebody notices."""
        seen = forecast.route_goes(self.topology, self.fault(FaultKind.APP_DEAD))
        kinds = NOTICED + ((FaultKind.APP_DEAD,) if seen else ())
        return {
            k: common.recovery(self.topology, self.users, self.fault(k))
            for k in kinds
            if k in self.kinds
        }

    def fault(self, kind: FaultKind) -> Fault:
        drain_s = DRAIN_S if kind is FaultKind.DRAIN else 0.0
        return Fault(kind=kind, target=self.region, label=kind, drain_s=drain_s)

    def steps(self, kind: FaultKind) -> tuple[Step, ...]:
        known = self.bounds.get(kind)
        watch_s = known.high_s if known else DRAIN_S
        return (
            self.fault(kind),
            # Long enough for a late failure to be over before the step is.
            Observe(for_s=watch_s + 2 * bounds.ATTEMPT_S, label=_after(kind)),
            Restore(),
            Observe(for_s=BACK_S, label=_back(kind)),
        )

    def going(self) -> Iterator[Measures]:
        for kind, bound in self.bounds.items():
            yield common.fails_until(
                kind,
                self.users,
                bound,
                self.fault(kind),
                section="The route goes: last failure after the fault",
                during=_after(kind),
            )
        wait_s = patience.CONNECT_MS / 1000
        for kind, bound in self.bounds.items():
            yield Measures(
                section="Connections kept open until then: last failure",
                text=kind,
                figure=LastFailure(
                    cohorts=(self.keepers.name,), during=_after(kind), fault=kind
                ),
                low=0.0,
                high=bound.high_s + wait_s,
                unit=Unit.SECONDS,
                why=f"{bound.why}; one waits {wait_s:g} s for a reply, and the next "
                "site knows no connection of the last",
            )

    def following(self) -> Iterator[Measures]:
        """Yield what the routers saw of a silent death, and who followed."""
        transit = transit_of(self.topology, self.region)
        edges = self.topology.region(self.region).uplinks.count(transit)
        prefix = str(self.topology.anycast.prefix)
        farthest = [
            round_trips_s(self.topology, self.users.access, region.name)
            for region in self.topology.regions
            if region.name != self.region
        ]
        least_s = 2 * min(low for low, _ in farthest)
        most_s = 2 * max(high for _, high in farthest)
        silence = bounds.silence(self.topology.timers)
        silent = [kind for kind in self.kinds if kind in SILENT]
        for kind in silent:
            yield Measures(
                section=f"The route leaves {transit}",
                text=kind,
                figure=RouteMoved(
                    router=transit, prefix=prefix, fault=kind, changes=edges
                ),
                low=silence.low_s,
                high=silence.high_s + bounds.REMOVAL_S,
                unit=Unit.SECONDS,
                why=f"{silence.why}, and {bounds.REMOVAL_S:g} s for the router itself",
            )
        for kind in silent:
            yield Measures(
                section="The first good reply after that",
                text=kind,
                figure=GoodAfterRoute(
                    cohorts=(self.users.name,),
                    during=_after(kind),
                    router=transit,
                    prefix=prefix,
                    fault=kind,
                    changes=edges,
                ),
                low=(1 - TOLERANCE_SHARE) * least_s,
                high=(1 + TOLERANCE_SHARE) * most_s + FOLLOW_S,
                unit=Unit.SECONDS,
                why=f"a connection and a reply from the next site, {least_s:g} s away; "
                f"{FOLLOW_S:g} s for all else",
            )

    def staying(self) -> Iterator[Measures]:
        if FaultKind.APP_DEAD not in self.kinds or FaultKind.APP_DEAD in self.bounds:
            return
        yield Measures(
            section="The route stays, and nothing is behind it",
            text=f"{FaultKind.APP_DEAD}: requests that fail",
            figure=self._failing(_after(FaultKind.APP_DEAD)),
            low=1.0,
            high=1.0,
            unit=Unit.PERCENT,
            why="what announces does not look so far down, or does not heed it",
        )

    def draining(self, rate_rps: int) -> Iterator[Measures]:
        if FaultKind.DRAIN not in self.kinds:
            return
        section = "A drain withdraws first and stops later"
        after = _after(FaultKind.DRAIN)
        yield Measures(
            section=section,
            text="requests that fail",
            figure=FailedShare(
                cohorts=(self.users.name, self.keepers.name), during=after
            ),
            low=0.0,
            high=0.0,
            unit=Unit.PERCENT,
            why="the old site serves what still arrives until routes have moved",
        )
        yield Measures(
            section=section,
            text="requests meanwhile",
            figure=Requests(cohorts=(self.users.name,), during=after),
            low=rate_rps * DRAIN_S,
            high=None,
            why=f"{rate_rps} in a second, for {DRAIN_S:g} s and more",
        )

    def returning(self) -> Iterator[Measures]:
        for kind in self.kinds:
            yield Measures(
                section="The site is back: requests that fail",
                text=kind,
                figure=self._failing(_back(kind)),
                low=0.0,
                high=0.0,
                unit=Unit.PERCENT,
                why="it is announced once its service is well, and not before",
            )
        for kind in self.kinds:
            yield Measures(
                section=f"The site is back: served by {self.region} again",
                text=kind,
                figure=ServedShare(
                    cohorts=(self.users.name,), during=_back(kind), region=self.region
                ),
                low=1.0,
                high=1.0,
                unit=Unit.PERCENT,
                why="the route to it is the shorter one",
            )

    def _failing(self, during: str) -> FailedShare:
        return FailedShare(cohorts=(self.users.name,), during=during)


def _kinds(wanted: str) -> tuple[FaultKind, ...]:
    """Return the deaths to tell of, the one that is wanted or all.

    Raises:
        InvalidInput: It is none of them.
    """
    if wanted and wanted not in KINDS:
        problem = Problem(what=f'fault is "{wanted}"', allowed=", ".join(KINDS))
        raise InvalidInput((problem,))
    return (FaultKind(wanted),) if wanted else KINDS


def _after(kind: FaultKind) -> str:
    return f"after {kind}"


def _back(kind: FaultKind) -> str:
    return f"back from {kind}"


SCENARIO = ScenarioFile(
    name="anycast-withdrawal",
    title="The stale answer still works: the route goes as fast as somebody looks",
    questions=("Q11", "Q16"),
    topology="two-region",
    knobs=Knobs,
    build=build,
)

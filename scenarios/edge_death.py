"""One of two edges of a PoP dies in silence, then the other: who notices, and where?

Its transit shares flows among the edges, and so does whoever answers. The first death
costs those flows that pass the dead edge what a router needs to miss it, and moves them
within the PoP; no other network hears of it. The second one is the death of the PoP.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, common, forecast, pick, withdrawal
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import longest_miss, share_bounds
from lab.scenario.figures import (
    FailedShare,
    FailedWithin,
    LastFailure,
    RouteChanges,
    RouteMoved,
    ServedShare,
)
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
from lab.topology.distance import reached, round_trips_s
from lab.topology.model import Access, AnycastName, Region, Topology

PACE_MS = 100
STEADY_S, BACK_S = 1.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    target: Annotated[str, Knob("the PoP; the first that can, unless set")] = ""
    clients: Annotated[int, Knob("clients, each 10 flows a second", minimum=20)] = 40


def build(topology: Topology, knobs: Knobs) -> Scenario:
    told = _Deaths(topology=topology, target=knobs.target, clients=knobs.clients)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(told.users,),
        steps=(
            Prime(),
            Observe(for_s=STEADY_S, label="steady"),
            *told.steps(),
            Restore(),
            Observe(for_s=BACK_S, label="back"),
        ),
        expectations=(
            *told.hit(),
            *told.missed(),
            *told.over(),
            *told.served(),
            *told.heard(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Deaths:
    """The deaths of both edges of a PoP, one after the other, and who connects."""

    topology: Topology
    target: str
    clients: int

    @cached_property
    def beside(self) -> tuple[Region, Access]:
        """The PoP, whose edges share the flows of users at their transit."""
        for region in self.topology.regions:
            if self.target not in ("", region.name):
                continue
            (above, *others) = dict.fromkeys(region.uplinks)
            for access in self.topology.access:
                near = forecast.catchment(self.topology, access.name)
                alone = near == {region.name} and access.transit == above
                if region.edges == 2 and not others and alone:
                    return region, access
        what = f"topology {self.topology.name} has not what this scenario needs"
        which = f'region "{self.target}"' if self.target else "a region"
        allowed = f"one with {which} of two edges on one transit, and its users there"
        raise InvalidInput((Problem(what=what, allowed=allowed),))

    @cached_property
    def region(self) -> Region:
        return self.beside[0]

    @cached_property
    def following(self) -> str:
        """The PoP that is next."""
        region, access = self.beside
        others = (r.name for r in self.topology.regions if r != region)
        following = reached(self.topology, access.name, others)
        if len(following) != 1:
            what = f"topology {self.topology.name}: without {region.name}, users of "
            what += f"{access.name} reach {', '.join(sorted(following)) or 'nobody'}"
            raise InvalidInput((Problem(what=what, allowed="one region that is next"),))
        return next(iter(following))

    @cached_property
    def faults(self) -> tuple[Fault, Fault]:
        first, second = (
            Fault(
                kind=FaultKind.POWER_OFF,
                target=f"{self.region.name}-edge-{number}",
                label=label,
            )
            for number, label in (
                (1, "the first edge dies"),
                (2, "the second edge dies"),
            )
        )
        return first, second

    @cached_property
    def users(self) -> Cohort:
        """Each of their connections is a flow of its own."""
        access = self.beside[1]
        return pick.cohort(
            access,
            pick.honest_in(self.topology, access),
            pick.name(self.topology, AnycastName),
            Behaviour.FIRST_ADDRESS,
            clients=self.clients,
            interval_ms=PACE_MS,
        )

    @cached_property
    def passing(self) -> tuple[float, float]:
        """The least and the greatest share of flows that pass one of the edges.

        There and back by the same one, or by either whatever the other way is.
        """
        part = 1 / self.region.edges
        return part, 1 - (1 - part) ** 2

    def steps(self) -> Iterator[Step]:
        silence = bounds.silence(self.topology.timers)
        for fault in self.faults:
            yield fault
            yield Observe(
                for_s=silence.high_s + bounds.CONVERGENCE_S + 2 * bounds.ATTEMPT_S,
                label=_after(fault),
            )

    def hit(self) -> Iterator[Measures]:
        first, second = self.faults
        least, most = self.passing
        silence = bounds.silence(self.topology.timers)
        flows = int(self.clients * silence.low_s * 1000 / PACE_MS)
        for fault, low, high, why in (
            (
                first,
                share_bounds(least, flows)[0],
                share_bounds(most, flows)[1],
                f"{least:.0%} pass it if both ways of a flow are the same, {most:.0%} "
                "if each is chosen by itself",
            ),
            (second, 1.0, 1.0, "all pass the one that is left"),
        ):
            yield Measures(
                section="Flows that are lost while nobody can have missed the edge",
                text=fault.label,
                figure=FailedWithin(
                    cohorts=(self.users.name,),
                    fault=fault.label,
                    within_s=silence.low_s,
                ),
                low=low,
                high=high,
                unit=Unit.PERCENT,
                why=f"{why}; in the first {silence.low_s:g} s",
            )

    def missed(self) -> Iterator[Measures]:
        silence = bounds.silence(self.topology.timers)
        for fault in self.faults:
            yield Measures(
                section=f"The route changes at {self.above}",
                text=fault.label,
                figure=RouteMoved(
                    router=self.above, prefix=self.prefix, fault=fault.label
                ),
                low=silence.low_s,
                high=silence.high_s + bounds.REMOVAL_S,
                unit=Unit.SECONDS,
                why=f"{silence.why}, and {bounds.REMOVAL_S:g} s for the router itself",
            )

    def over(self) -> Iterator[Measures]:
        first, second = self.faults
        silence, missed = bounds.silence(self.topology.timers), longest_miss(1 / 2)
        gap_s = missed * PACE_MS / 1000 / self.clients
        section = "New connections: the last one that fails"
        yield Measures(
            section=section,
            text=first.label,
            figure=LastFailure(
                cohorts=(self.users.name,), during=_after(first), fault=first.label
            ),
            low=max(0.0, silence.low_s - gap_s),
            high=silence.high_s + bounds.CONVERGENCE_S,
            unit=Unit.SECONDS,
            why=f"{silence.why}; + {bounds.CONVERGENCE_S:g} s for the routes; up to "
            f"{missed} in a row may miss the dead edge",
        )
        recovery = withdrawal.anycast_recovery(
            self.topology.timers,
            second.kind,
            interval_s=PACE_MS / 1000,
            way_s=round_trips_s(self.topology, self.users.access, self.region.name)[1]
            / 2,
            asking_s=forecast.asking_s(self.topology, self.users),
        )
        yield common.fails_until(
            second.label,
            self.users,
            recovery,
            second,
            section=section,
            during=_after(second),
        )

    def served(self) -> Iterator[Measures]:
        first, second = self.faults
        names = (self.users.name,)
        here, there = self.region.name, self.following
        for during, text, region, why in (
            (
                _after(first),
                first.label,
                here,
                "its other edge leads to the same nodes",
            ),
            (
                _after(second),
                second.label,
                there,
                "it is the next by number of transits",
            ),
            ("back", "both are back", here, "it is the nearest again"),
        ):
            yield Measures(
                section="Good replies that come from where they should",
                text=f"{text}: {region}",
                figure=ServedShare(cohorts=names, during=during, region=region),
                low=1.0,
                high=1.0,
                unit=Unit.PERCENT,
                why=why,
            )
        yield Measures(
            section="Both are back: requests that fail",
            text=here,
            figure=FailedShare(cohorts=names, during="back"),
            low=0.0,
            high=0.0,
            unit=Unit.PERCENT,
            why="an edge attracts once it knows whom to deliver to",
        )

    def heard(self) -> Iterator[Measures]:
        first, second = self.faults
        prefix = str(self.region.prefix)
        for fault, least, most, why in (
            (first, 0, 0, f"{self.above} has another way to it, and no other news"),
            (second, 1, None, f"{self.above} has no way left, and says so"),
        ):
            yield Measures(
                section=f"Changes of the route to {prefix} at {self.listener}",
                text=fault.label,
                figure=RouteChanges(
                    router=self.listener, prefix=prefix, during=_after(fault)
                ),
                low=least,
                high=most,
                why=why,
            )

    @cached_property
    def listener(self) -> str:
        """A transit that is told of the PoP by the one that its edges hang on."""
        ends = (link.between for link in self.topology.links)
        ways = (pair for end in ends for pair in (end, end[::-1]))
        linked = [there for here, there in ways if here == self.above]
        if not linked:
            what = f"topology {self.topology.name}: no link leads to {self.above}"
            allowed = "another transit, at the end of a link"
            raise InvalidInput((Problem(what=what, allowed=allowed),))
        return linked[0]

    @property
    def above(self) -> str:
        """The transit that both edges hang on."""
        return self.region.uplinks[0]

    @property
    def prefix(self) -> str:
        return str(self.topology.anycast.prefix)


def _after(fault: Fault) -> str:
    return f"after {fault.target}"


SCENARIO = ScenarioFile(
    name="edge-death",
    title="One of two edges dies: its flows move within the PoP, and nobody else hears",
    questions=("Q11", "Q13"),
    topology="two-edges",
    knobs=Knobs,
    build=build,
)

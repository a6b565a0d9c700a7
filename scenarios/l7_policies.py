"""What an L7 node can do because it sees each request, and what is replied.

It sends a part of the requests, or those with a mark, to a canary. It leaves a backend
alone that fails its users though it passes its checks. And when a region elsewhere dies
and everybody comes at once, it keeps the line short, or lets no more in than can be
served. Beside it, regions that do nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import draws_for, longest_miss, share_bounds
from lab.scenario.figures import (
    AttemptTime,
    FailedShare,
    FailuresAt,
    ServedAgain,
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
    Undo,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.l7 import L7Policy, Route
from lab.topology.model import Region, ResolverBehaviour, RoundRobin, Topology
from lab.topology.timers import LOOK_EVERY_S, Depth

#: Users of a region, as a multiple of what it serves, while half of them begin at
#: another one; and the same when that one is gone: twice as many.
CROWD = 1.1
CROWD_MS, PACE_MS = 3000, 500
MARKED, FEW = 3, 2
STEADY_S, ILL_S = 3.0, 3.0
#: Until everybody has gone on to the next address, and the lines are full.
MOVING_S, CROWDED_S = 3.0, 6.0
#: How far a share may be from its closed form: buckets fill up in whole requests.
SHARE = 0.05
#: How much more is lost, at least, by those who wait than by those who are refused.
WORSE = 0.1
ALL = (1.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("users of the region with a canary", minimum=10)] = 15


def build(topology: Topology, knobs: Knobs) -> Scenario:
    told = _Story(topology=topology, knobs=knobs)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=told.everyone,
        steps=(
            Prime(),
            Observe(for_s=STEADY_S, label="steady"),
            *told.ills,
            Observe(for_s=ILL_S, label="ill"),
            *(
                Undo(target=ill.target, label=f"{ill.label} mended")
                for ill in told.ills
            ),
            Observe(for_s=told.back_s[1] + bounds.ATTEMPT_S - ILL_S, label="mended"),
            told.gone,
            Observe(for_s=MOVING_S, label="moving"),
            Observe(for_s=MOVING_S + CROWDED_S, label="crowded"),
            Restore(),
        ),
        expectations=(
            *told.routed(),
            *told.ejected(),
            *told.crowded(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Story:
    """A region that sees what is replied, and three that are overrun."""

    topology: Topology
    knobs: Knobs

    @cached_property
    def seeing(self) -> Region:
        """The region that routes, and ejects who fails."""
        return _first(
            self.topology,
            "a region with l7_policy.outlier, routes and two backends in a subset",
            lambda r: bool(r.l7_policy.outlier and r.l7_policy.routes),
        )

    @cached_property
    def plain(self) -> Region:
        return _first(
            self.topology,
            "a region with two backends and no l7_policy",
            lambda r: r.l7_policy == L7Policy() and len(r.backends) > 1,
        )

    @cached_property
    def overrun(self) -> tuple[Region, ...]:
        """The regions that everybody has as a second address."""
        return tuple(r for r in self.topology.regions if r is not self.seeing)

    @cached_property
    def users(self) -> Cohort:
        return self._of(self.seeing, clients=self.knobs.clients)

    @cached_property
    def marked(self) -> dict[Route, Cohort]:
        """Users whose requests fit each route but the last, which takes the rest."""
        *narrow, _ = self.seeing.l7_policy.routes
        return {route: self._asking_for(route) for route in narrow}

    @cached_property
    def own(self) -> dict[str, Cohort]:
        """A few users of each region that is overrun, who have no other."""
        return {r.name: self._of(r, clients=FEW) for r in self.overrun}

    @cached_property
    def crowds(self) -> dict[str, Cohort]:
        """Those who have another, and go to either."""
        return {
            region.name: self._cohort(
                self._either(region),
                Behaviour.RETRY_NEXT,
                clients=round(CROWD * self._served_rps(region) * CROWD_MS / 1000),
                pace_ms=CROWD_MS,
            )
            for region in self.overrun
        }

    @property
    def everyone(self) -> tuple[Cohort, ...]:
        few = (self.users, *self.marked.values(), *self.own.values())
        return (*few, *self.crowds.values())

    @cached_property
    def ills(self) -> tuple[Fault, Fault]:
        """A backend of either region fails its users, and passes its checks."""
        seen, unseen = (
            Fault(kind=FaultKind.BROWN_OUT, target=f"{r.name}-be-1", label=r.name)
            for r in (self.seeing, self.plain)
        )
        return seen, unseen

    @cached_property
    def gone(self) -> Fault:
        return Fault(kind=FaultKind.POWER_OFF, target=self.seeing.name, label="gone")

    @cached_property
    def back_s(self) -> tuple[float, float]:
        """When the ejected backend serves again, from the fault on."""
        outlier = self.seeing.l7_policy.outlier
        assert outlier is not None
        share = self._part(f"{self.seeing.name}-be-1")
        failed_s = draws_for(outlier.failures, share) / _rate_rps(self.users)
        asked_s = longest_miss(share) / _rate_rps(self.users)
        late_s = failed_s + asked_s + outlier.sweep_s + bounds.IN_FLIGHT_S
        return outlier.eject_s, outlier.eject_s + late_s

    def routed(self) -> Iterator[Measures]:
        section = "L7: requests that a canary serves"
        for route, cohort in self.marked.items():
            mark = cohort.header or cohort.path
            yield _share(
                mark,
                ServedShare(
                    cohorts=(cohort.name,),
                    during="steady",
                    backend=self._only(route.to[-1].subset),
                ),
                ALL,
                "a route names what the request says, and the backends that serve it",
                section=section,
            )
        *_, rest = self.seeing.l7_policy.routes
        share = rest.to[-1].weight / sum(s.weight for s in rest.to)
        draws = int(_rate_rps(self.users) * STEADY_S)
        yield _share(
            "all others",
            ServedShare(
                cohorts=(self.users.name,),
                during="steady",
                backend=self._only(rest.to[-1].subset),
            ),
            share_bounds(share, draws),
            f"{share:.0%} of requests, drawn one by one; no cache keeps what was drawn",
            section=section,
        )

    def ejected(self) -> Iterator[Measures]:
        outlier = self.seeing.l7_policy.outlier
        assert outlier is not None
        seen, unseen = self.ills
        section = "A backend passes its checks and fails its users"
        everyone = tuple(c.name for c in self.everyone)
        coming_rps = sum(_rate_rps(c) for c in (self.users, *self.crowds.values()))
        under_way = bounds.IN_FLIGHT_S * coming_rps * self._part(seen.target)
        yield Measures(
            section=section,
            text=f"{self.seeing.name}: requests that fail",
            figure=FailuresAt(
                cohorts=everyone,
                during="ill",
                l7=f"{self.seeing.name}-l7-1",
                fault=seen.label,
            ),
            low=outlier.failures,
            high=outlier.failures + under_way,
            why=f"ejected after {outlier.failures} replies of 5xx in a row; more may "
            f"be under way, {under_way:.0f} at most",
        )
        low_s, high_s = self.back_s
        yield Measures(
            section=section,
            text=f"{self.seeing.name}: it serves again, after it fell ill",
            figure=ServedAgain(
                cohorts=(self.users.name,),
                during="mended",
                backend=seen.target,
                fault=seen.label,
            ),
            low=low_s,
            high=high_s,
            unit=Unit.SECONDS,
            why=f"ejected for {outlier.eject_s} s, though it has been well since "
            f"{ILL_S:g} s; looked for each {outlier.sweep_s} s; and until it had "
            "failed often enough, and is asked again",
        )
        own = self.own[self.plain.name]
        share = 1 / len(self.plain.backends)
        crowd = self.crowds[self.plain.name]
        fewest, most = (
            share * (_rate_rps(own) + part * _rate_rps(crowd))
            for part in share_bounds(1 / 2, crowd.clients)
        )
        yield Measures(
            section=section,
            text=f"{self.plain.name}: requests that fail",
            figure=FailuresAt(
                cohorts=everyone,
                during="ill",
                l7=f"{self.plain.name}-l7-1",
                fault=unseen.label,
            ),
            low=fewest * (ILL_S - bounds.ATTEMPT_S),
            high=most * (ILL_S + bounds.ATTEMPT_S),
            why=f"nobody looks at replies, and its checks pass: {fewest:.1f} to "
            f"{most:.1f} a second fail for {ILL_S:g} s",
        )
        yield Measures(
            section=section,
            text=f"{self.plain.name}: it serves again, after it fell ill",
            figure=ServedAgain(
                cohorts=(own.name, crowd.name),
                during="mended",
                backend=unseen.target,
                fault=unseen.label,
            ),
            low=ILL_S,
            high=ILL_S + longest_miss(share) / fewest + bounds.ATTEMPT_S,
            unit=Unit.SECONDS,
            why=f"it was ill for {ILL_S:g} s, and was never left alone",
        )

    def crowded(self) -> Iterator[Measures]:
        for region in self.overrun:
            able_rps = self._served_rps(region)
            crowd, own = self.crowds[region.name], self.own[region.name]
            come_rps = _rate_rps(crowd) + _rate_rps(own)
            section = (
                f"{region.name}: {come_rps:.0f} requests a second, of which it can "
                f"serve {able_rps}"
            )
            (low, high), why = _refused(region, come_rps, able_rps)
            yield _share(
                "requests that fail",
                FailedShare(cohorts=(crowd.name, own.name), during="crowded"),
                (low, high),
                why,
                section=section,
            )
            if waits := _waits_s(region, able_rps):
                yield Measures(
                    section=section,
                    text="time of those that are served, median",
                    figure=AttemptTime(
                        cohorts=(own.name,), during="crowded", percent=50
                    ),
                    low=waits[0],
                    high=waits[1],
                    unit=Unit.MILLISECONDS,
                    why=_line(region),
                )

    def _served_rps(self, region: Region) -> int:
        """Return what a region's backends serve, less the looks that wait with users.

        Those of L7 at each backend, and those of whoever announces, if at one at all.
        """
        announce = self.topology.announce_of(region.name)
        looks_rps = region.l7 * len(region.backends) / LOOK_EVERY_S
        if announce.depth.reaches(Depth.REGION):
            looks_rps += region.l4 * 1000 / announce.interval_ms
        return sum(b.capacity_rps for b in region.backends) - round(looks_rps)

    def _part(self, backend: str) -> float:
        """Return a backend's part of the requests that no mark sends elsewhere."""
        *_, rest = self.seeing.l7_policy.routes
        subset = self.seeing.backends[int(backend.rpartition("-")[2]) - 1].subset
        total = sum(s.weight for s in rest.to)
        weight = sum(s.weight for s in rest.to if s.subset == subset)
        return weight / total / sum(b.subset == subset for b in self.seeing.backends)

    def _only(self, subset: str) -> str:
        """Return the backend in a subset of one."""
        number = [b.subset for b in self.seeing.backends].index(subset) + 1
        return f"{self.seeing.name}-be-{number}"

    def _either(self, region: Region) -> RoundRobin:
        return pick.name(
            self.topology,
            RoundRobin,
            where=lambda n: set(n.regions) == {self.seeing.name, region.name},
        )

    def _asking_for(self, route: Route) -> Cohort:
        header = route.header
        line = "" if header is None else f"{header.name}: {header.value}"
        return self._of(
            self.seeing, clients=MARKED, path=route.path, header=line, label="marked"
        )

    def _of(
        self,
        region: Region,
        *,
        clients: int,
        path: str = "/",
        header: str = "",
        label: str = "",
    ) -> Cohort:
        return self._cohort(
            pick.leading_to(self.topology, region),
            Behaviour.FIRST_ADDRESS,
            clients=clients,
            pace_ms=PACE_MS,
            path=path,
            header=header,
            label=label and f"{label} {header or path}",
        )

    def _cohort(
        self,
        name: RoundRobin,
        how: Behaviour,
        *,
        clients: int,
        pace_ms: int,
        path: str = "/",
        header: str = "",
        label: str = "",
    ) -> Cohort:
        resolver = pick.resolver(self.topology, ResolverBehaviour.HONEST)
        return pick.cohort(
            pick.access_of(self.topology, resolver),
            resolver,
            name,
            how,
            clients=clients,
            interval_ms=pace_ms,
            path=path,
            header=header,
            label=label,
        )


def _share(
    text: str,
    figure: ServedShare | FailedShare,
    between: tuple[float, float],
    why: str,
    *,
    section: str,
) -> Measures:
    low, high = between
    return Measures(
        section=section,
        text=text,
        figure=figure,
        low=low,
        high=high,
        unit=Unit.PERCENT,
        why=why,
    )


def _first(topology: Topology, needed: str, fits: Callable[[Region], bool]) -> Region:
    found = next((r for r in topology.regions if fits(r)), None)
    if found is None:
        what = f"topology {topology.name} has not what this scenario needs"
        raise InvalidInput((Problem(what=what, allowed=f"one with {needed}"),))
    return found


def _rate_rps(cohort: Cohort) -> float:
    return cohort.clients * 1000 / cohort.interval_ms


def _refused(
    region: Region, come_rps: float, able_rps: int
) -> tuple[tuple[float, float], str]:
    """Return which share of the requests fails, and why."""
    policy = region.l7_policy
    if policy.shedding:
        let_in = policy.shedding.above_rps * region.l7
        excess = 1 - let_in / come_rps
        why = f"{let_in} a second are let in, all others refused: {excess:.1%}"
        return (excess - SHARE, excess + SHARE), why
    excess = 1 - able_rps / come_rps
    if policy.breaker:
        places = policy.breaker.max_requests + policy.breaker.max_pending
        full = _full(come_rps / able_rps, places)
        why = (
            f"whoever finds the line of {places} full is refused: {excess:.1%} if all "
            f"come evenly, {full:.1%} at random (M/M/1/{places})"
        )
        return (excess - SHARE, full + SHARE), why
    why = (
        f"{excess:.1%} are too many; but all wait in one line, and whoever waits "
        "longer than a client does, or a check, is served for nobody"
    )
    return (excess + WORSE, 1.0), why


def _full(load: float, places: int) -> float:
    """Return how likely a line is full: arrivals and services at random, load not 1."""
    return (1 - load) * load**places / (1 - load ** (places + 1))


def _waits_s(region: Region, able_rps: int) -> tuple[float, float] | None:
    """Return how long those who are served have waited; None if nothing bounds that."""
    policy = region.l7_policy
    if policy.shedding:
        return 0.0, policy.shedding.burst / able_rps + bounds.IN_FLIGHT_S
    if policy.breaker:
        most = policy.breaker.max_requests + policy.breaker.max_pending
        full_s = most / able_rps
        return full_s / 2, full_s + bounds.IN_FLIGHT_S
    return None


def _line(region: Region) -> str:
    policy = region.l7_policy
    if limit := policy.breaker:
        return (
            f"{limit.max_requests} are under way, {limit.max_pending} wait, and one is "
            "served after the other; with so many coming the line is half full or more"
        )
    return "fewer come than are served: nobody waits but a burst"


SCENARIO = ScenarioFile(
    name="l7-policies",
    title="Who sees each request can try a canary, spare the sick, keep lines short",
    questions=("Q6", "Q13"),
    topology="policies",
    knobs=Knobs,
    build=build,
)

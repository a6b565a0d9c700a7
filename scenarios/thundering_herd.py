"""Caches that end together: what comes at once, to the authority and to a region?

A region dies. Users of its address hold answers that end together, or a random while
later each, and come to the survivor at once, or not. Meanwhile the same resolvers are
asked for names that have nothing to do with it: one they cache at one moment, another
one after the other, and a third at one moment again, but with a shorter TTL.
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
from lab.scenario.chance import share_bounds
from lab.scenario.figures import PeakArrivals, PeakResolvers, Upstream
from lab.scenario.model import (
    Ask,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Question,
    Restore,
    Scenario,
    Step,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import farthest_s
from lab.topology.model import (
    AnycastName,
    Failover,
    Probe,
    Resolver,
    ResolverBehaviour,
    RoundRobin,
    ServedName,
    Topology,
    Weighted,
)

#: Pace of the questions that keep a resolver's cache filled, and of users.
PACE_MS, CROWD_MS = 200.0, 1000
#: Those who ask authorities themselves, and once in each life of an answer.
ASKING = (
    ResolverBehaviour.HONEST,
    ResolverBehaviour.NO_ECS,
    ResolverBehaviour.SERVE_STALE,
)
#: How long after the first question all resolvers have cached what it is about.
FILLED_S = 1.0
#: The seconds in which any one second lies that begins with a whole one.
AROUND_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    crowd: Annotated[int, Knob("users whose answers end together", minimum=20)] = 60
    age_s: Annotated[float, Knob("age of their answers at the death", minimum=1)] = 1.5


def build(topology: Topology, knobs: Knobs) -> Scenario:
    herd = _Herd(topology=topology, crowd=knobs.crowd, age_s=knobs.age_s)
    herd.refuse_what_nobody_can_tell()
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(*herd.crowds.values(), *herd.others),
        steps=(Prime(), herd.fault, *herd.filling(), *herd.ends(), Restore()),
        expectations=(
            *herd.at_the_authority(),
            *herd.at_the_region(),
            *common.lab_itself(topology),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Herd:
    """Who asks for what, and how many come at once."""

    topology: Topology
    crowd: int
    age_s: float

    @cached_property
    def resolvers(self) -> tuple[Resolver, ...]:
        """All that ask authorities."""
        return tuple(r for r in self.topology.resolvers if r.behaviour in ASKING)

    @cached_property
    def checked(self) -> Failover:
        """The name of the users whose region dies."""
        return pick.name(
            self.topology,
            Failover,
            where=lambda n: n.ttl_s is None and n.probe is Probe.DEEP,
        )

    @cached_property
    def names(self) -> dict[str, ServedName]:
        """What resolvers are asked for, by how they cached it."""
        ttl_s = self.topology.timers.ttl_s
        shorter = pick.name(
            self.topology,
            Weighted,
            where=lambda n: 2 < self.topology.ttl_s(n.name) < ttl_s,
        )
        return {
            "at one moment": pick.name(self.topology, RoundRobin),
            "one after the other": pick.name(self.topology, AnycastName),
            "at one moment, with a shorter TTL": shorter,
        }

    @cached_property
    def fault(self) -> Fault:
        """The death of the region that users are sent to."""
        return Fault(
            kind=FaultKind.POWER_OFF,
            target=self.checked.regions[0],
            at_age_s=self.age_s,
        )

    @cached_property
    def crowds(self) -> dict[str, Cohort]:
        """Its users, by when their answers end."""
        resolver = pick.resolver(self.topology, ResolverBehaviour.HONEST)
        return {
            label: pick.cohort(
                pick.access_of(self.topology, resolver),
                resolver,
                self.checked,
                clients=self.crowd,
                interval_ms=CROWD_MS,
                jitter=jitter,
                label=label,
            )
            for label, jitter in (
                ("answers end together", 0.0),
                ("each kept up to a TTL longer", 1.0),
            )
        }

    @cached_property
    def others(self) -> tuple[Cohort, ...]:
        """A user of every other resolver: its cache is to be emptied, too."""
        (asked, *_) = {cohort.resolver for cohort in self.crowds.values()}
        return tuple(
            pick.cohort(
                pick.access_of(self.topology, resolver),
                resolver,
                self.checked,
                clients=1,
                interval_ms=CROWD_MS,
            )
            for resolver in self.resolvers
            if resolver.name != asked
        )

    @property
    def ttl_s(self) -> int:
        """The TTL of all but the shorter one."""
        return self.topology.timers.ttl_s

    @property
    def apart_s(self) -> float:
        """How long after each other resolvers cache what they do not cache at once."""
        return self.ttl_s / len(self.resolvers)

    @property
    def filled_s(self) -> float:
        """When the last of them has cached it, and all of them the others."""
        return self.apart_s * (len(self.resolvers) - 1)

    @property
    def end_s(self) -> float:
        """When what was cached at one moment has ended everywhere."""
        return self.filled_s + self.ttl_s + FILLED_S

    @property
    def wide_s(self) -> float:
        """In how long a time all ends of what was cached at one moment lie."""
        early_s = max(bounds.ROUNDINGS[r.daemon].early_s for r in self.resolvers)
        late_s = max(bounds.ROUNDINGS[r.daemon].late_s for r in self.resolvers)
        return early_s + late_s + PACE_MS / 1000 + farthest_s(self.topology)

    def refuse_what_nobody_can_tell(self) -> None:
        """Refuse timers with which users may fetch the dead address once more.

        Raises:
            InvalidInput: With the least TTL.
        """
        decided = bounds.detection(
            self.topology.zone.providers,
            self.topology.timers.check,
            round_trip_s=farthest_s(self.topology),
        )
        least_s = decided.high_s + self.age_s + 1 + bounds.PRIMING_S
        if self.ttl_s < least_s:
            what = f"ttl_s is {self.ttl_s}: users may ask before checks have decided"
            allowed = f"{math.ceil(least_s)} or more"
            raise InvalidInput((Problem(what=what, allowed=allowed),))

    def filling(self) -> Iterator[Step]:
        """Yield the steps in which resolvers are asked first, each on and on."""
        together, apart, shorter = (name.name for name in self.names.values())
        *_, last = self.resolvers
        for number, resolver in enumerate(self.resolvers):
            at_s = number * self.apart_s
            at_once = [
                self._keep(each, qname, at_s)
                for qname in (together, shorter)
                for each in self.resolvers
                if resolver is last
            ]
            label = f"filling {resolver.name}"
            yield Ask(
                label=label,
                behind=True,
                questions=(self._keep(resolver, apart, at_s), *at_once),
            )
            yield Observe(
                for_s=at_s + (FILLED_S if resolver is last else self.apart_s),
                label=f"filled {resolver.name}",
            )

    def _keep(self, resolver: Resolver, qname: str, at_s: float) -> Question:
        access = pick.access_of(self.topology, resolver)
        return Question(
            label=f"{resolver.name} for {qname}",
            access=access.name,
            server=resolver.name,
            qname=qname,
            count=math.ceil((self.end_s - at_s) * 1000 / PACE_MS),
            interval_ms=PACE_MS,
        )

    def ends(self) -> Iterator[Step]:
        """Yield the steps in which answers end."""
        yield Observe(for_s=self.end_s, label="ends")

    def at_the_authority(self) -> Iterator[Measures]:
        count = len(self.resolvers)
        for_s = self.end_s - self.filled_s - FILLED_S
        seconds = math.ceil(self.wide_s)
        for how, name in self.names.items():
            ttl_s = self.topology.ttl_s(name.name)
            low, high = math.ceil(count / seconds), count
            why = (
                f"their answers end within {self.wide_s:.2g} s of each other, so that "
                f"one second has 1 in {seconds} of them at least"
            )
            if how == "one after the other":
                lives = math.ceil(self.ttl_s / (self.ttl_s - 1))
                low, high = 1, math.floor((1 + lives) / self.apart_s) + 1
                why = (
                    f"cached {self.apart_s:g} s apart; each life ends up to a second "
                    "early"
                )
            yield Measures(
                section=f"The authority: most of {count} resolvers that ask in one "
                "second, cached",
                text=f"{how} ({ttl_s} s)",
                figure=PeakResolvers(qname=name.name, during="ends"),
                low=low,
                high=high,
                why=why,
            )
        for how, name in self.names.items():
            low, high = self._questions(name, apart=how == "one after the other")
            yield Measures(
                section=f"The authority: all questions in {for_s:g} s",
                text=f"{how} ({self.topology.ttl_s(name.name)} s)",
                figure=Upstream(qname=name.name, during="ends"),
                low=low,
                high=high * len(self.topology.zone.providers),
                why="each resolver asks once in each life of its answer, and the next "
                "authority as well if the first one is late",
            )

    def _questions(self, name: ServedName, *, apart: bool) -> tuple[int, int]:
        """Return how many lives of cached answers end while their ends are awaited."""
        low = high = 0
        for number, resolver in enumerate(self.resolvers):
            cached_s = number * self.apart_s if apart else self.filled_s
            rounding = bounds.ROUNDINGS[resolver.daemon]
            shortest_s = self.topology.ttl_s(name.name) - rounding.early_s
            longest_s = shortest_s + self.wide_s
            begin_s = self.filled_s + FILLED_S - cached_s
            end_s = self.end_s - cached_s
            low += max(0, int(end_s // longest_s) - int(begin_s // shortest_s))
            high += int(end_s // shortest_s) - int(begin_s // longest_s)
        return low, high

    def at_the_region(self) -> Iterator[Measures]:
        survivor = self.topology.region(self.checked.regions[1])
        interval_s = CROWD_MS / 1000
        for label, cohort in self.crowds.items():
            width_s = self.ttl_s * cohort.jitter
            seconds = math.ceil(bounds.PRIMING_S + interval_s)
            least, most = self.crowd / seconds, float(self.crowd)
            why = f"filled at one moment, they end, and users come, within {seconds} s"
            if width_s:
                chance = (AROUND_S + interval_s) / width_s
                most *= share_bounds(chance, self.crowd)[1]
                least = self.crowd / math.ceil(width_s + seconds)
                why = f"they end at random moments within {width_s:g} s"
            yield Measures(
                section=f"{survivor.name}: most of {self.crowd} users that come in one "
                "second",
                text=label,
                figure=PeakArrivals(
                    cohorts=(cohort.name,), address=str(survivor.address)
                ),
                low=least,
                high=most,
                why=why,
            )


SCENARIO = ScenarioFile(
    name="thundering-herd",
    title="Caches filled at one moment end at one: jitter helps, a longer TTL does not",
    questions=("Q14",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

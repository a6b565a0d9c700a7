"""Equal answers, unequal load: what does an authority know of the load it makes?

Two resolvers get the same answers as often as each other; behind one is a single user,
behind the other are hundreds. The region they are all sent to refuses what is beyond
its capacity, and later another one dies: the authority hands out both as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, caching, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import share_bounds
from lab.scenario.figures import AnswerShare, FailedShare, Over, Requests, Upstream
from lab.scenario.model import (
    Ask,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Scenario,
    Undo,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.model import Backend, Region, ResolverBehaviour, Topology, Weighted

ONE_MS, CROWD_MS = 500, 1000
#: Pace of the questions past all caches; slowly enough to see the crowd refused.
BUSY_MS, DEAD_MS = 6, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[str, Knob("the crowd's; that of most users unless set")] = ""
    crowd: Annotated[int, Knob("its users; as declared unless set", minimum=10)] = 0
    lives: Annotated[int, Knob("times to live to watch", minimum=2)] = 2
    answers: Annotated[int, Knob("answers asked of each provider", minimum=100)] = 800


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = pick.name(
        topology, Weighted, where=lambda n: len(set(n.weights.values())) == 1
    )
    small = pick.resolver(topology, ResolverBehaviour.HONEST)
    most = max(
        (r for r in topology.resolvers if r.behaviour in pick.PLAIN),
        key=lambda r: (r.users, r != small),
    )
    big = pick.resolver(
        topology,
        ResolverBehaviour.HONEST,
        knobs.resolver or most.name,
        where=lambda r: r != small,
        among=pick.PLAIN,
    )
    timers = topology.timers_of(served.name)
    asking_s = knobs.answers * BUSY_MS / 1000
    for_s = max(knobs.lives * (timers.ttl_s + 1.0), asking_s)
    one = pick.cohort(
        pick.access_of(topology, small), small, served, clients=1, interval_ms=ONE_MS
    )
    crowd = pick.cohort(
        pick.access_of(topology, big),
        big,
        served,
        clients=knobs.crowd or big.users,
        interval_ms=CROWD_MS,
    )
    victim = topology.region(list(served.weights)[-1])
    share = served.weights[victim.name] / sum(served.weights.values())
    fault = Fault(kind=FaultKind.CRASH, target=victim.name)

    def ask(when: str, interval_ms: float, *, behind: bool = False) -> Ask:
        return common.past_caches(
            when,
            topology.zone.providers,
            access=one.access,
            qname=served.name,
            count=knobs.answers,
            interval_ms=interval_ms,
            behind=behind,
        )

    def gets(
        section: str, text: str, asked: str, region: Region, of_all: float
    ) -> Measures:
        least, most = share_bounds(of_all, knobs.answers)
        return Measures(
            section=section,
            text=text,
            figure=AnswerShare(ask=asked, addresses=(str(region.address),)),
            low=least,
            high=most,
            unit=Unit.PERCENT,
            why=f"{of_all:.0%} by weight, whatever becomes of it; chance over "
            f"{knobs.answers} answers",
        )

    def expectations() -> Iterator[Measures]:
        for cohort, resolver in ((one, small), (crowd, big)):
            low, high, why = caching.fetches(
                timers, resolver, for_s=for_s, every_s=_gap_s(cohort), primed=True
            )
            yield Measures(
                section="What the authorities see: queries",
                text=f"{resolver.name}, users: {cohort.clients}",
                figure=Upstream(
                    qname=served.name, during="load", resolver=resolver.name
                ),
                low=low,
                high=high,
                why=why,
            )
        (fewest, most), (few, many) = _requests(crowd, for_s), _requests(one, for_s)
        yield Measures(
            section="What the regions see: requests",
            text=f"of {big.name}'s users, for each of {small.name}'s",
            figure=Over(
                top=Requests(cohorts=(crowd.name,), during="load"),
                bottom=Requests(cohorts=(one.name,), during="load"),
            ),
            low=fewest / many,
            high=most / few,
            unit=Unit.TIMES,
            why=f"one each {_gap_s(one):g} s and one each {_gap_s(crowd):g} s",
        )
        _, changes, _ = caching.fetches(
            timers, big, for_s=for_s, every_s=_gap_s(crowd), primed=True
        )
        # In the middle of it, the buckets of the first stay are empty.
        full = changes + 1
        least, greatest = _refused(
            topology, served, crowd, one, for_s=for_s, stays=full
        )
        yield Measures(
            section="What the regions see: requests",
            text="refused for load",
            figure=FailedShare(cohorts=(crowd.name,), during="load", error="overload"),
            low=least,
            high=greatest,
            unit=Unit.PERCENT,
            why="all users of a resolver are in one region, and it serves what it "
            "declares; a bucket of one second's worth takes the first of them, in "
            f"each of up to {full} stays",
        )
        for provider in topology.zone.providers:
            for region, weight in served.weights.items():
                yield gets(
                    "Answers meanwhile, whichever region it is that refuses",
                    f"{provider.name} ({provider.daemon}): to {region}",
                    f"busy-{provider.name}",
                    topology.region(region),
                    weight / sum(served.weights.values()),
                )
        for provider in topology.zone.providers:
            yield gets(
                f"Answers that lead to {victim.name} while it is dead",
                f"{provider.name} ({provider.daemon})",
                f"dead-{provider.name}",
                victim,
                share,
            )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(one, crowd),
        steps=(
            Prime(),
            ask("busy", BUSY_MS, behind=True),
            Observe(for_s=for_s, label="load"),
            fault,
            ask("dead", DEAD_MS),
            Undo(target=victim.name),
        ),
        expectations=tuple(expectations()),
    )


def _gap_s(cohort: Cohort) -> float:
    return cohort.interval_ms / cohort.clients / 1000


def _requests(cohort: Cohort, for_s: float) -> tuple[float, float]:
    """Return how many requests begin and end in a time, at least and at most."""
    fewest = (for_s - bounds.ATTEMPT_S) / _gap_s(cohort)
    return fewest, for_s / _gap_s(cohort) + cohort.clients


def _refused(
    topology: Topology,
    served: Weighted,
    crowd: Cohort,
    others: Cohort,
    *,
    for_s: float,
    stays: int,
) -> tuple[float, float]:
    """Return the least and the greatest share of a crowd that the regions refuse.

    By backend, each of which gets its part of a region's requests, perhaps those of
    `others` too. Each stay in a region finds its buckets full at most; what is on its
    way at the end has found no room yet.
    """
    alone_rps = 1 / _gap_s(crowd)
    every_rps = alone_rps + 1 / _gap_s(others)
    least, greatest = [], []
    for name in served.weights:
        backends = topology.region(name).backends
        least.append(_over(backends, alone_rps, 1 + stays / for_s))
        greatest.append(_over(backends, every_rps, 1 - bounds.IN_FLIGHT_S / for_s))
    return min(least), max(greatest)


def _over(backends: Iterable[Backend], rate_rps: float, filled: float) -> float:
    """Return the share of a rate that is refused, each serving `filled` of its own."""
    every = tuple(backends)
    weights = sum(b.weight for b in every)
    refused = (
        max(0.0, rate_rps * b.weight / weights - filled * b.capacity_rps) for b in every
    )
    return sum(refused) / rate_rps


SCENARIO = ScenarioFile(
    name="query-count-is-not-load",
    title="Equal answers are unequal load; an authority sees neither load nor death",
    questions=("Q2",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

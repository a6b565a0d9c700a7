"""One resolver, one answer: what is the unit that DNS balances?

Resolvers with one user, with dozens and with hundreds, as their topology declares, ask
for a name that is answered with one address of two, drawn at random. Each asks once per
TTL, whatever the number of its users, and all of them go where that one answer says. A
user that pins stays there beyond it, and one that keeps its connection for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, caching, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import OldestAnswer, Unanimity, Upstream
from lab.scenario.model import (
    Behaviour,
    Measures,
    Observe,
    Prime,
    Scenario,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.model import ResolverBehaviour, Topology, Weighted

EVERY_MS, MANY_EVERY_MS = 500, 2500
#: From so many users of a resolver on, each asks less often: the lab has two cores.
MANY = 100
#: What rounding and the way of an answer leave uncertain of an age.
SLACK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[
        str, Knob("whose users are watched; all honest ones unless set")
    ] = ""
    name: Annotated[str, Knob("weighted name; the first of equal weights")] = ""
    lives: Annotated[int, Knob("times to live to watch", minimum=3)] = 3


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = pick.name(
        topology,
        Weighted,
        knobs.name,
        where=lambda n: len(set(n.weights.values())) == 1,
    )
    first = pick.resolver(
        topology, ResolverBehaviour.HONEST, knobs.resolver, among=pick.PLAIN
    )
    honest = [
        r
        for r in topology.resolvers
        if r.behaviour in (ResolverBehaviour.HONEST, ResolverBehaviour.NO_ECS)
    ]
    asked = [first] if knobs.resolver else honest
    timers = topology.timers_of(served.name)
    life_s = max(bounds.lifetime_s(timers, r) for r in asked)
    for_s = knobs.lives * (life_s + 1.0)
    watch = {
        resolver: pick.cohort(
            pick.access_of(topology, resolver),
            resolver,
            served,
            clients=resolver.users,
            interval_ms=EVERY_MS if resolver.users < MANY else MANY_EVERY_MS,
        )
        for resolver in asked
    }
    few = min(asked, key=lambda r: r.users)
    pinned, kept = (
        pick.cohort(
            pick.access_of(topology, few),
            few,
            served,
            behaviour,
            clients=2,
            interval_ms=EVERY_MS,
        )
        for behaviour in (Behaviour.PINNED, Behaviour.POOL)
    )

    def expectations() -> Iterator[Measures]:
        for resolver, cohort in watch.items():
            gap_s = cohort.interval_ms / cohort.clients / 1000
            low, high, why = caching.fetches(
                timers, resolver, for_s=for_s, every_s=gap_s, primed=True
            )
            yield Measures(
                section="Queries that reach an authority",
                text=f"{resolver.name}, users: {cohort.clients}",
                figure=Upstream(
                    qname=served.name, during="users", resolver=resolver.name
                ),
                low=low,
                high=high,
                why=why,
            )
        for resolver, cohort in watch.items():
            yield Measures(
                section="Requests that go where the resolver's one answer says",
                text=f"{resolver.name}, users: {cohort.clients}",
                figure=Unanimity(cohorts=(cohort.name,), during="users"),
                low=0.99,
                high=1.0,
                unit=Unit.PERCENT,
                why="a whole population has the same answer; an attempt at the very "
                "moment of a new one may count with the old",
            )
        yield Measures(
            section="Oldest answer in use",
            text=f"clients that keep the TTL of {life_s} s",
            figure=OldestAnswer(
                cohorts=tuple(c.name for c in watch.values()), during="users"
            ),
            low=life_s - 1 - SLACK_S,
            high=life_s + SLACK_S,
            unit=Unit.SECONDS,
            why="a stub forgets at the end of the TTL that it was told",
        )
        for text, cohort, held_s, why in (
            (
                f"clients that pin for {timers.pin_s} s",
                pinned,
                min(float(timers.pin_s), for_s),
                "a pin outlives the TTL: to its own end, or that of the observation",
            ),
            (
                "clients that keep a connection",
                kept,
                for_s,
                "nobody who has a connection asks where to connect",
            ),
        ):
            yield Measures(
                section="Oldest answer in use",
                text=text,
                figure=OldestAnswer(cohorts=(cohort.name,), during="users"),
                low=held_s - EVERY_MS / 1000 - SLACK_S,
                high=held_s + bounds.PRIMING_S + SLACK_S,
                unit=Unit.SECONDS,
                why=why,
            )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(*watch.values(), pinned, kept),
        steps=(Prime(), Observe(for_s=for_s, label="users")),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="one-resolver-one-answer",
    title="A resolver asks once per TTL, and all its users go where that answer says",
    questions=("Q3",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

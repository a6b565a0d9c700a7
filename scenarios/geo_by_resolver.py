"""Who is located: the user, or the resolver that asks for the user?

Users in one place ask for a name that leads to the nearest region, some by way of a
resolver beside them, some by way of one beyond an ocean. The round trip to where they
are sent tells the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.model import Measures, Observe, Prime, Scenario
from lab.scenario.settings import Knob, knob_texts
from lab.topology.geography import seen_from
from lab.topology.model import (
    Geo,
    ResolverBehaviour,
    Topology,
)

FOR_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[
        str, Knob("the distant one; the first without ECS unless set")
    ] = ""
    clients: Annotated[int, Knob("users of each resolver", minimum=1)] = 20


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = pick.name(topology, Geo, where=lambda n: not n.failover)
    near = pick.resolver(topology, ResolverBehaviour.HONEST)
    access = pick.access_of(topology, near)
    far = pick.resolver(
        topology,
        ResolverBehaviour.NO_ECS,
        knobs.resolver,
        where=lambda r: r != near and pick.serves(topology, r, access),
    )
    users = {
        resolver: pick.cohort(
            access, resolver, served, clients=knobs.clients, interval_ms=500
        )
        for resolver in (near, far)
    }

    def expectations() -> Iterator[Measures]:
        for resolver, cohort in users.items():
            place = seen_from(topology, resolver, access) or access
            yield from common.sent(
                topology,
                served,
                cohort,
                place,
                section=f"Users in {access.name} who ask {resolver.name} in "
                f"{place.name}",
                why="an authority sees who asks, and that is the resolver",
            )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=tuple(users.values()),
        steps=(Prime(), Observe(for_s=FOR_S)),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="geo-by-resolver",
    title="Geographic answers are for the resolver's place, not the user's",
    questions=("Q8",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

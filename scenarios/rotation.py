"""Does rotating the order of addresses spread load, and who carries the traffic?

Both providers and a resolver are asked the same question again and again. Then users
who have nothing cached make one request each, and all packets at the authorities are
counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import caching, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import ALPHA, share_bounds
from lab.scenario.figures import Orders, Rotation, ServedP, Upstream
from lab.scenario.model import Ask, Measures, Observe, Question, Scenario, Unit
from lab.scenario.settings import Knob, knob_texts
from lab.topology.model import ResolverBehaviour, RoundRobin, Topology

EVERY_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[str, Knob("who is asked; the first honest one unless set")] = ""
    answers: Annotated[int, Knob("answers from each server", minimum=100)] = 900
    users: Annotated[int, Knob("users with an empty cache", minimum=100)] = 600


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = pick.name(topology, RoundRobin, where=lambda n: len(n.regions) > 1)
    resolver = pick.resolver(
        topology, ResolverBehaviour.HONEST, knobs.resolver, among=pick.PLAIN
    )
    access = pick.access_of(topology, resolver)
    users = pick.cohort(
        access, resolver, served, clients=knobs.users, interval_ms=int(EVERY_S * 1000)
    )
    even = 1 / len(served.regions)
    addresses = {str(topology.region(r).address): even for r in served.regions}
    servers: dict[str, str] = {p.name: p.daemon for p in topology.zone.providers}
    servers[resolver.name] = resolver.daemon

    low_asked, high_asked, why_asked = caching.fetches(
        topology.timers_of(served.name),
        resolver,
        for_s=EVERY_S,
        every_s=EVERY_S / knobs.users,
    )

    def expectations() -> Iterator[Measures]:
        low, _ = share_bounds(1 - even, knobs.answers - 1)
        for server, daemon in servers.items():
            section = f"{server} ({daemon})"
            yield Measures(
                section=section,
                text="consecutive answers that begin with another address",
                figure=Rotation(ask=server),
                low=low,
                high=1.0,
                unit=Unit.PERCENT,
                why=f"{1 - even:.0%} if each order is drawn at random, all if rotated",
            )
            yield Measures(
                section=section,
                text="different orders of the same addresses",
                figure=Orders(ask=server),
                low=len(addresses),
                high=math.factorial(len(addresses)),
                why="at least each address once in front; at most every order there is",
            )
            told = "first addresses are even: p-value"
            yield common.chance(told, (server,), addresses, section=section)
        section = f"{knobs.users} users without a cache of their own"
        yield Measures(
            section=section,
            text=f"queries that reach an authority by way of {resolver.name}",
            figure=Upstream(qname=served.name, during="users", resolver=resolver.name),
            low=low_asked,
            high=high_asked,
            why=f"{why_asked}; the resolver rotates what it holds",
        )
        yield Measures(
            section=section,
            text="they spread evenly: p-value",
            figure=ServedP(
                cohorts=(users.name,),
                during="users",
                shares=tuple((r, even) for r in served.regions),
            ),
            low=ALPHA,
            high=None,
            why="one request of each, chi-square against equal shares",
        )
        yield common.only_dns()
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(users,),
        steps=(
            Observe(for_s=EVERY_S, label="users"),
            Ask(
                questions=tuple(
                    Question(
                        label=server,
                        access=access.name,
                        server=server,
                        qname=served.name,
                        count=knobs.answers,
                        interval_ms=4,
                    )
                    for server in servers
                )
            ),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="rotation",
    title="Rotation spreads first choices evenly; authorities carry no traffic",
    questions=("Q1",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

"""What does a client subnet in the question correct, and what does it cost?

The users of the last story, now with a resolver that tells the authorities their
subnets (RFC 7871). They reach the region near them; the resolver keeps and fetches an
answer for each subnet; and the prefix of each user is on the wire. A home router tells
it, too, to a resolver that strips it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import (
    ConnectTime,
    Over,
    PrefixTold,
    ServedShare,
    SubnetsTold,
    Upstream,
)
from lab.scenario.model import (
    Ask,
    Measures,
    Observe,
    Question,
    Scenario,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import round_trip_bounds_s
from lab.topology.geography import preferred
from lab.topology.model import Access, Geo, Resolver, ResolverBehaviour, Topology

#: Longest IPv4 prefix that resolvers should tell (RFC 7871, section 11.1).
PREFIX = 24
PACE_MS = 25.0
#: How close the queries come to their closed form.
CLOSED = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    lives: Annotated[int, Knob("times to live to watch", minimum=3)] = 6


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = pick.name(topology, Geo, where=lambda n: not n.failover)
    telling = pick.resolver(topology, ResolverBehaviour.ECS)
    stripping = pick.resolver(topology, ResolverBehaviour.NO_ECS)
    home = pick.resolver(topology, ResolverBehaviour.FORWARDING)
    access = topology.access[0]
    subnets = access.clients.subnets
    timers = topology.timers_of(served.name)
    #: Half a life more, so that no fetch falls on the end.
    for_s = (knobs.lives + 0.5) * (timers.ttl_s + 1.0)
    users = pick.cohort(access, telling, served, clients=2 * subnets, interval_ms=500)

    def burst(resolver: Resolver, from_access: Access, count_s: float) -> Question:
        return Question(
            label=resolver.name,
            access=from_access.name,
            server=resolver.name,
            qname=served.name,
            count=int(count_s * 1000 / PACE_MS),
            interval_ms=PACE_MS,
            users=from_access.clients.subnets,
        )

    def expectations() -> Iterator[Measures]:
        region = preferred(topology, served, access)[0]
        section = f"Users in {access.name} who ask {telling.name}"
        yield Measures(
            section=section,
            text=f"requests served by {region}, the nearest to them",
            figure=ServedShare(cohorts=(users.name,), during="users", region=region),
            low=1.0,
            high=1.0,
            unit=Unit.PERCENT,
            why="the authority is told where the user is",
        )
        low, high, why = round_trip_bounds_s(topology, access.name, region)
        yield Measures(
            section=section,
            text="round trip to where they are sent (median): what error is left",
            figure=ConnectTime(cohorts=(users.name,), during="users", percent=50),
            low=low,
            high=high,
            unit=Unit.MILLISECONDS,
            why=why,
        )
        yield from _price()
        yield from _leak()
        yield common.servers_idle(topology)

    def _price() -> Iterator[Measures]:
        section = f"The price: queries in {for_s:g} s of users in {subnets} subnets"
        asked = {
            r: Upstream(qname=served.name, during="ask", resolver=r.name)
            for r in (telling, stripping)
        }
        for resolver, answers in ((telling, subnets), (stripping, 1)):
            low, high, why = bounds.fetches(
                timers, resolver, for_s=for_s, every_s=PACE_MS / 1000 * answers
            )
            yield Measures(
                section=section,
                text=f"{resolver.name}, {resolver.behaviour}: {answers} answers cached",
                figure=asked[resolver],
                low=answers * low,
                high=answers * (high + 1),
                why=f"for each answer {why}",
            )
        ratio = (
            subnets
            * bounds.period_s(timers, stripping)
            / bounds.period_s(timers, telling)
        )
        yield Measures(
            section=section,
            text="queries with subnets, for each one without",
            figure=Over(top=asked[telling], bottom=asked[stripping]),
            low=(1 - CLOSED) * ratio,
            high=(1 + CLOSED) * ratio,
            unit=Unit.TIMES,
            why=f"{subnets} answers, each fetched anew at the end of its life of "
            f"{bounds.period_s(timers, telling):g} s; without, one of "
            f"{bounds.period_s(timers, stripping):g} s",
        )

    def _leak() -> Iterator[Measures]:
        section = "What is told to authorities"
        for resolver, during, told in (
            (telling, "ask", subnets),
            (stripping, "ask", 0),
        ):
            figure = SubnetsTold(
                qname=served.name, during=during, resolver=resolver.name
            )
            yield Measures(
                section=section,
                text=f"{resolver.name}: different subnets of users",
                figure=figure,
                low=told,
                high=told,
                why="as seen in the packets that reached the authorities",
            )
        yield Measures(
            section=section,
            text=f"{telling.name}: longest prefix",
            figure=PrefixTold(qname=served.name, during="ask", resolver=telling.name),
            low=PREFIX,
            high=PREFIX,
            why="a /24 and no more (RFC 7871, section 11.1)",
        )
        yield Measures(
            section=section,
            text=f"{home.name} tells {home.forwards_to}; what that one passes on",
            figure=SubnetsTold(
                qname=served.name, during="home", resolver=home.forwards_to or ""
            ),
            low=0,
            high=0,
            why="it strips what its clients tell",
        )

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(users,),
        steps=(
            Observe(for_s=4.0, label="users"),
            Ask(
                questions=(
                    burst(telling, access, for_s),
                    burst(stripping, access, for_s),
                )
            ),
            Ask(
                label="home",
                questions=(
                    burst(home, pick.access_of(topology, home), timers.ttl_s + 2.0),
                ),
            ),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="ecs",
    title="A client subnet corrects the place, for a query per subnet and some privacy",
    questions=("Q9",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

"""What does a client subnet in the question correct, and what does it cost?

The users of the last story, now with a resolver that tells the authorities their
subnets (RFC 7871). They reach the region near them, and the prefix of each is on the
wire. What it costs depends on the authority: one brand's answers hold for the subnet
that was told, the other's for all that it would answer alike. A home router tells its
users' subnet, too, to a resolver that strips it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated

from lab.scenario import caching, common, forecast, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import (
    Over,
    PrefixTold,
    SubnetsTold,
    Upstream,
)
from lab.scenario.model import (
    Ask,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Question,
    Restore,
    Scenario,
    Undo,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.geography import seen_from
from lab.topology.model import (
    Access,
    Geo,
    Provider,
    Resolver,
    ResolverBehaviour,
    Topology,
)

#: Longest IPv4 prefix that resolvers should tell (RFC 7871, section 11.1).
PREFIX = 24
PACE_MS = 25.0
#: Questions for another name until a resolver knows whom to ask.
LEARN = 60
#: How close the queries come to their closed form.
CLOSED = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[
        str, Knob("who tells subnets; the first that does unless set")
    ] = ""
    lives: Annotated[int, Knob("times to live to watch", minimum=2)] = 2


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = pick.name(topology, Geo, where=lambda n: not n.failover)
    watched = pick.name(topology, Geo, where=lambda n: n.failover)
    telling = pick.resolver(
        topology,
        ResolverBehaviour.ECS,
        knobs.resolver,
        among={ResolverBehaviour.ECS},
    )
    silent = pick.resolver(
        topology,
        ResolverBehaviour.HONEST,
        where=lambda r: r.daemon == telling.daemon,
    )
    home = pick.resolver(topology, ResolverBehaviour.FORWARDING)
    stripping = forecast.resolver_named(topology, home.forwards_to or "")
    narrow, wide = pick.by_scope(topology)
    access = topology.access[0]
    subnets = access.clients.subnets
    timers = topology.timers_of(served.name)
    # Half a life more, so that no fetch falls on the end.
    for_s = (knobs.lives + 0.5) * caching.period_s(timers, telling)
    told, untold = (
        pick.cohort(access, resolver, watched, clients=2 * subnets, interval_ms=500)
        for resolver in (telling, stripping)
    )
    prefixes = tuple(
        str(ip_network(f"{address}/{PREFIX}", strict=False))
        for address in access.clients.addresses
    )

    def ask(label: str, count_s: float, of: Access, *resolvers: Resolver) -> Ask:
        return Ask(
            label=label,
            questions=tuple(
                Question(
                    label=f"{label}-{resolver.name}",
                    access=of.name,
                    server=resolver.name,
                    qname=served.name,
                    count=int(count_s * 1000 / PACE_MS),
                    interval_ms=PACE_MS,
                    users=of.clients.subnets,
                )
                for resolver in resolvers
            ),
        )

    def learn(label: str) -> Ask:
        """Let the resolvers find out, by other names, which provider is there."""
        others = [n for n in topology.zone.names if not isinstance(n, Geo)]
        return Ask(
            label=label,
            questions=tuple(
                Question(
                    label=f"{label}-{resolver.name}-{name.name}",
                    access=access.name,
                    server=resolver.name,
                    qname=name.name,
                    count=LEARN,
                    interval_ms=PACE_MS,
                )
                for resolver in (telling, silent)
                for name in others
            ),
        )

    def queries(label: str, resolver: Resolver, provider: Provider) -> Upstream:
        return Upstream(
            qname=served.name,
            during=label,
            resolver=resolver.name,
            provider=provider.name,
        )

    def expectations() -> Iterator[Measures]:
        yield from common.sent(
            topology,
            watched,
            told,
            access,
            section=f"Users in {access.name} who ask {telling.name}",
            why="the authority is told where the user is",
        )
        yield from common.sent(
            topology,
            watched,
            untold,
            seen_from(topology, stripping, access) or access,
            section="The error that is left: users in "
            f"{access.name} who ask {stripping.name}",
            why="it strips subnets, so the authority sees where the resolver is",
        )
        for label, provider, answers in (
            ("narrow", narrow, subnets),
            ("wide", wide, 1),
        ):
            yield from _price(label, provider, answers)
        yield from _leak()
        yield from common.lab_itself(topology)

    def _price(label: str, provider: Provider, answers: int) -> Iterator[Measures]:
        section = (
            f"The price in {for_s:g} s, users in {subnets} subnets, "
            f"{provider.name} ({provider.daemon}) alone"
        )
        for resolver, cached in ((telling, answers), (silent, 1)):
            closed = cached * (knobs.lives + 1)
            yield Measures(
                section=section,
                text=f"queries of {resolver.name} ({resolver.behaviour})",
                figure=queries(label, resolver, provider),
                low=(1 - CLOSED) * closed,
                high=(1 + CLOSED) * closed,
                why=f"{cached} cached, each fetched at first and then once per "
                f"{caching.period_s(timers, resolver):g} s",
            )
        yield Measures(
            section=section,
            text="answers cached for the name, for each one without subnets",
            figure=Over(
                top=queries(label, telling, provider),
                bottom=queries(label, silent, provider),
            ),
            low=(1 - CLOSED) * answers,
            high=(1 + CLOSED) * answers,
            unit=Unit.TIMES,
            why="an answer is cached for the scope that the authority gives it: "
            f"{provider.daemon}'s holds for {subnets // answers} of these subnets",
        )

    def _leak() -> Iterator[Measures]:
        section = "What authorities are told"
        seen = "as seen in the packets that reached the authorities"
        here = f"{prefixes[0]} to {prefixes[-1]}"
        for text, resolver, among, number in (
            (f"subnets that {telling.name} tells", telling, (), subnets),
            (f"of these, its users' own: {here}", telling, prefixes, subnets),
            (f"subnets that {silent.name} tells", silent, (), 0),
        ):
            yield Measures(
                section=section,
                text=text,
                figure=SubnetsTold(
                    qname=served.name,
                    during="narrow",
                    resolver=resolver.name,
                    among=among,
                ),
                low=number,
                high=number,
                why=seen,
            )
        yield Measures(
            section=section,
            text="longest prefix",
            figure=PrefixTold(
                qname=served.name, during="narrow", resolver=telling.name
            ),
            low=PREFIX,
            high=PREFIX,
            why="a /24 and no more (RFC 7871, section 11.1)",
        )
        yield Measures(
            section=section,
            text=f"queries of {stripping.name}, which {home.name} tells subnets",
            figure=Upstream(qname=served.name, during="home", resolver=stripping.name),
            low=1,
            high=None,
            why="its answers end meanwhile, so it asks",
        )
        yield Measures(
            section=section,
            text="subnets in these queries",
            figure=SubnetsTold(
                qname=served.name, during="home", resolver=stripping.name
            ),
            low=0,
            high=0,
            why=f"it strips them; {seen}",
        )

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(told, untold),
        steps=(
            Observe(for_s=4.0),
            ask("home", timers.ttl_s + 2.0, pick.access_of(topology, home), home),
            Fault(kind=FaultKind.CRASH, target=wide.name, label="wide-gone"),
            learn("wide-missed"),
            ask("narrow", for_s, access, telling, silent),
            Undo(target=wide.name),
            Fault(kind=FaultKind.CRASH, target=narrow.name, label="narrow-gone"),
            Observe(for_s=caching.period_s(timers, telling) + 0.5, label="forgetting"),
            learn("narrow-missed"),
            ask("wide", for_s, access, telling, silent),
            Restore(),
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

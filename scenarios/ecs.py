"""What does a client subnet in the question correct, and what does it cost?

The users of the last story, now with resolvers that tell the authorities their
subnets (RFC 7871). They reach the region near them, and the prefix of each is on the
wire. What it costs depends on the authority: one brand's answers hold for the subnet
that was told, the other's for all that it would answer alike. A home router tells its
users' subnet, too, to a resolver that strips it, and so does a question of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import caching, common, forecast, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import (
    Over,
    PrefixTold,
    ServedShare,
    SubnetsTold,
    Unanswered,
    Upstream,
)
from lab.scenario.model import (
    Ask,
    Cohort,
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
from lab.topology.geography import preferred, seen_from
from lab.topology.model import (
    Access,
    Geo,
    Provider,
    Resolver,
    ResolverBehaviour,
    Topology,
)
from lab.topology.timers import Timers

#: Longest IPv4 prefix that resolvers should tell (RFC 7871, section 11.1).
PREFIX = 24
PACE_MS = 25.0
#: Questions for another name until a resolver knows whom to ask, and their pace.
LEARN, LEARN_MS = 20, 75.0
#: How close the queries come to their closed form.
CLOSED = 0.02
#: Fetches fall on whole seconds, a life with half a one more does not end on one.
LEAST_TTL_S = 2
USER_MS, USERS_S = 500, 4.0
LEAK = "What authorities are told"
SEEN = "as seen in the packets that reached the authorities"
#: Resolvers that ask by themselves and tell nobody who asks them.
QUIET = frozenset({ResolverBehaviour.HONEST, ResolverBehaviour.NO_ECS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[str, Knob("who tells subnets; all that do unless set")] = ""
    subnets: Annotated[int, Knob("subnets of users; as declared unless set")] = 0
    lives: Annotated[int, Knob("times to live to watch", minimum=2)] = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays a part, and for how long.

    Attributes:
        served: The name that the price is paid for.
        watched: The name that users ask for.
        telling: Who tells subnets.
        silent: By name of each of these, one of the same brand that does not.
        home: A router that tells its users' subnet.
        stripping: Whom it asks, and who strips it.
        access: The network of the users.
        subnets: How many of their subnets ask.
        for_s: How long they ask; half a life more than some, so that no fetch falls on
            the end.
    """

    topology: Topology
    served: Geo
    watched: Geo
    telling: tuple[Resolver, ...]
    silent: Mapping[str, Resolver]
    home: Resolver
    stripping: Resolver
    access: Access
    subnets: int
    for_s: float

    @property
    def timers(self) -> Timers:
        """Those of the name that the price is paid for."""
        return self.topology.timers_of(self.served.name)

    @property
    def asked(self) -> tuple[Resolver, ...]:
        """Whom the users of all subnets ask, each once."""
        return tuple(dict.fromkeys((*self.telling, *self.silent.values())))

    @property
    def own(self) -> str:
        """The subnet of a user at home."""
        return _prefixes(pick.access_of(self.topology, self.home))[0]

    @property
    def direct(self) -> str:
        """What a question is called that tells this subnet, past the router."""
        return f"a question to {self.stripping.name} that tells {self.own}"

    def users_of(self, resolver: Resolver) -> Cohort:
        """Return the users of a resolver who are watched."""
        clients = 2 * self.access.clients.subnets
        return pick.cohort(
            self.access, resolver, self.watched, clients=clients, interval_ms=USER_MS
        )


def build(topology: Topology, knobs: Knobs) -> Scenario:
    cast = _cast(topology, knobs)
    narrow, wide = pick.by_scope(topology)
    life_s = caching.period_s(cast.timers, cast.telling[0])
    watch = tuple(cast.users_of(r) for r in (*cast.telling, cast.stripping))

    def expectations() -> Iterator[Measures]:
        yield from _corrected(cast)
        yield from _left(cast)
        for provider, answers in ((narrow, cast.subnets), (wide, 1)):
            for resolver in cast.telling:
                yield from _price(cast, resolver, provider, answers)
        for resolver in cast.telling:
            yield from _leak(cast, resolver, narrow)
        yield from _stripped(cast)
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=watch,
        steps=(
            Observe(for_s=USERS_S),
            Fault(kind=FaultKind.CRASH, target=wide.name, label="first-gone"),
            _learn(cast, "first-missed"),
            _ask_all(cast, narrow),
            Undo(target=wide.name),
            Fault(kind=FaultKind.CRASH, target=narrow.name, label="other-gone"),
            Observe(for_s=life_s + 0.5, label="forgetting"),
            _learn(cast, "other-missed"),
            _ask_all(cast, wide),
            _ask_stripping(cast),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


def _cast(topology: Topology, knobs: Knobs) -> Cast:
    """Choose.

    Raises:
        InvalidInput: Somebody is missing, or the TTL is too short.
    """
    first = pick.resolver(
        topology,
        ResolverBehaviour.ECS,
        knobs.resolver,
        among={ResolverBehaviour.ECS},
    )
    every = (r for r in topology.resolvers if r.behaviour is ResolverBehaviour.ECS)
    telling = (first,) if knobs.resolver else tuple(every)
    served = pick.name(topology, Geo, where=lambda n: not n.failover)
    timers = topology.timers_of(served.name)
    if timers.ttl_s < LEAST_TTL_S:
        what = f"{served.name} has a TTL of {timers.ttl_s}: too short to tell lives"
        raise InvalidInput((Problem(what=what, allowed=f"{LEAST_TTL_S} or more"),))
    home = pick.resolver(topology, ResolverBehaviour.FORWARDING)
    return Cast(
        topology=topology,
        served=served,
        watched=pick.name(topology, Geo, where=lambda n: n.failover),
        telling=telling,
        silent={r.name: _silent(topology, r) for r in telling},
        home=home,
        stripping=forecast.resolver_named(topology, home.forwards_to or ""),
        access=topology.access[0],
        subnets=_subnets(topology.access[0], knobs.subnets),
        for_s=(knobs.lives + 0.5) * caching.period_s(timers, first),
    )


def _silent(topology: Topology, telling: Resolver) -> Resolver:
    """Return the first resolver of the same brand that tells no subnets."""
    same = (
        r.name
        for r in topology.resolvers
        if r.daemon == telling.daemon and r.behaviour in QUIET
    )
    return pick.resolver(
        topology,
        ResolverBehaviour.HONEST,
        next(same, ""),
        where=lambda r: r.daemon == telling.daemon,
        among=QUIET,
    )


def _subnets(access: Access, wanted: int) -> int:
    """Return from how many subnets users ask.

    Raises:
        InvalidInput: So many are not declared.
    """
    declared = access.clients.subnets
    if not 0 <= wanted <= declared:
        what = f"subnets is {wanted}"
        allowed = f"1 to {declared}, which {access.name} declares"
        raise InvalidInput((Problem(what=what, allowed=allowed),))
    return wanted or declared


def _prefixes(access: Access) -> tuple[str, ...]:
    """Return the prefixes that a resolver tells of a network's users."""
    networks = (
        ip_network(f"{address}/{PREFIX}", strict=False)
        for address in access.clients.addresses
    )
    return tuple(str(network) for network in networks)


def _learn(cast: Cast, label: str) -> Ask:
    """Let the resolvers find out, by other names, which provider is there."""
    others = [n for n in cast.topology.zone.names if not isinstance(n, Geo)]
    return Ask(
        label=label,
        questions=tuple(
            Question(
                label=f"{label}-{resolver.name}-{name.name}",
                access=cast.access.name,
                server=resolver.name,
                qname=name.name,
                count=LEARN,
                interval_ms=LEARN_MS,
            )
            for resolver in cast.asked
            for name in others
        ),
    )


def _ask_all(cast: Cast, provider: Provider) -> Ask:
    """Let users in all subnets ask, while only one provider is there."""
    return Ask(
        label=provider.name,
        questions=tuple(
            Question(
                label=f"{provider.name}-{resolver.name}",
                access=cast.access.name,
                server=resolver.name,
                qname=cast.served.name,
                count=int(cast.for_s * 1000 / PACE_MS),
                interval_ms=PACE_MS,
                users=cast.subnets,
            )
            for resolver in cast.asked
        ),
    )


def _ask_stripping(cast: Cast) -> Ask:
    """Tell a resolver a subnet, by way of a home router and by ourselves."""
    routed = Question(
        label="home",
        access=pick.access_of(cast.topology, cast.home).name,
        server=cast.home.name,
        qname=cast.served.name,
        count=int((cast.timers.ttl_s + 2.0) * 1000 / PACE_MS),
        interval_ms=PACE_MS,
    )
    direct = replace(
        routed, label=cast.direct, server=cast.stripping.name, subnets=(cast.own,)
    )
    return Ask(label="home", questions=(routed, direct))


def _corrected(cast: Cast) -> Iterator[Measures]:
    """Yield where users are sent whose resolver tells their subnets."""
    for resolver in cast.telling:
        yield from common.sent(
            cast.topology,
            cast.watched,
            cast.users_of(resolver),
            cast.access,
            section=f"Users in {cast.access.name} who ask {resolver.name}",
            why="the authority is told where the user is",
        )


def _left(cast: Cast) -> Iterator[Measures]:
    """Yield the error that is left, and for how many."""
    section = f"The error that is left: users in {cast.access.name} who ask"
    place = seen_from(cast.topology, cast.stripping, cast.access) or cast.access
    yield from common.sent(
        cast.topology,
        cast.watched,
        cast.users_of(cast.stripping),
        place,
        section=f"{section} {cast.stripping.name}",
        why="it strips subnets, so the authority sees where the resolver is",
    )
    there = preferred(cast.topology, cast.watched, place)[0]
    users = [cast.users_of(r).name for r in (*cast.telling, cast.stripping)]
    most = USERS_S * 1000 / USER_MS + 1
    least = most - 2
    yield Measures(
        section=f"{section} one of these {len(users)}",
        text=f"share of their requests that {there} serves",
        figure=ServedShare(cohorts=tuple(users), during="observe", region=there),
        low=least / (least + len(cast.telling) * most),
        high=most / (most + len(cast.telling) * least),
        unit=Unit.PERCENT,
        why=f"each has as many users, of {least:g} to {most:g} requests; one strips",
    )


def _price(
    cast: Cast, telling: Resolver, provider: Provider, answers: int
) -> Iterator[Measures]:
    """Yield what it costs in queries to one provider."""
    silent = cast.silent[telling.name]
    section = (
        f"The price in {cast.for_s:g} s, users in {cast.subnets} subnets, "
        f"{provider.name} ({provider.daemon}) alone"
    )

    def queries(resolver: Resolver) -> Upstream:
        return Upstream(
            qname=cast.served.name,
            during=provider.name,
            resolver=resolver.name,
            provider=provider.name,
        )

    for resolver, cached in ((telling, answers), (silent, 1)):
        closed, why = caching.always_asked(
            cast.timers, resolver, for_s=cast.for_s, answers=cached
        )
        yield Measures(
            section=section,
            text=f"queries of {resolver.name} ({resolver.daemon}, "
            f"{resolver.behaviour})",
            figure=queries(resolver),
            low=(1 - CLOSED) * closed,
            high=(1 + CLOSED) * closed,
            why=why,
        )
    yield Measures(
        section=section,
        text=f"answers that {telling.name} fetches per life, for each of {silent.name}",
        figure=Over(top=queries(telling), bottom=queries(silent)),
        low=(1 - CLOSED) * answers,
        high=(1 + CLOSED) * answers,
        unit=Unit.TIMES,
        why="an answer is cached for the scope that the authority gives it: "
        f"{provider.daemon}'s holds for {cast.subnets // answers} of these subnets",
    )


def _leak(cast: Cast, telling: Resolver, provider: Provider) -> Iterator[Measures]:
    """Yield what a provider is told of a resolver's users."""
    silent = cast.silent[telling.name]
    prefixes = _prefixes(cast.access)[: cast.subnets]
    here = f"{prefixes[0]} to {prefixes[-1]}"
    for text, resolver, among, number in (
        (f"subnets that {telling.name} tells", telling, (), len(prefixes)),
        (f"{telling.name}: users' own, {here}", telling, prefixes, len(prefixes)),
        (f"subnets that {silent.name} tells", silent, (), 0),
    ):
        yield Measures(
            section=LEAK,
            text=text,
            figure=SubnetsTold(
                qname=cast.served.name,
                during=provider.name,
                resolver=resolver.name,
                provider=provider.name,
                among=among,
            ),
            low=number,
            high=number,
            why=SEEN,
        )
    yield Measures(
        section=LEAK,
        text=f"longest prefix that {telling.name} tells",
        figure=PrefixTold(
            qname=cast.served.name, during=provider.name, resolver=telling.name
        ),
        low=PREFIX,
        high=PREFIX,
        why="a /24 and no more (RFC 7871, section 11.1)",
    )


def _stripped(cast: Cast) -> Iterator[Measures]:
    """Yield what becomes of a subnet that a resolver is told."""
    yield Measures(
        section=LEAK,
        text=f"{cast.direct}: unanswered",
        figure=Unanswered(ask=cast.direct),
        low=0.0,
        high=0.0,
        unit=Unit.PERCENT,
        why="it arrived there, and the subnet in it",
    )
    yield Measures(
        section=LEAK,
        text=f"queries of {cast.stripping.name}, which {cast.home.name} tells subnets",
        figure=Upstream(
            qname=cast.served.name, during="home", resolver=cast.stripping.name
        ),
        low=1,
        high=None,
        why="its answers end meanwhile, so it asks",
    )
    yield Measures(
        section=LEAK,
        text="subnets in these queries",
        figure=SubnetsTold(
            qname=cast.served.name, during="home", resolver=cast.stripping.name
        ),
        low=0,
        high=0,
        why=f"it strips what both tell it; {SEEN}",
    )


SCENARIO = ScenarioFile(
    name="ecs",
    title="A client subnet corrects the place, for a query per subnet and some privacy",
    questions=("Q9",),
    topology="steering",
    knobs=Knobs,
    build=build,
)

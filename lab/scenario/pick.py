"""Choosing from a topology what a scenario needs; what is missing is told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from lab.errors import InvalidInput, Problem
from lab.scenario.bounds import CHECKERS
from lab.scenario.model import Behaviour, Cohort
from lab.topology.model import (
    Access,
    Geo,
    Provider,
    PublicResolver,
    Region,
    Resolver,
    ResolverBehaviour,
    RoundRobin,
    ServedName,
    Topology,
    TransitLink,
)

#: Resolvers that ask authorities by themselves and tell no answer beyond its end.
PLAIN = frozenset(
    {ResolverBehaviour.HONEST, ResolverBehaviour.NO_ECS, ResolverBehaviour.CLAMPING}
)
#: Brands whose answers hold for the very subnet that was told (RFC 7871, section 7.2):
#: PowerDNS 4.9 copies its length. gdnsd 3.8 joins networks that it answers alike.
COPIES_SCOPE = frozenset({"pdns"})

N = TypeVar("N", bound=ServedName)
T = TypeVar("T", bound=Region | Resolver | Access | ServedName | TransitLink)


def name(
    topology: Topology,
    policy: type[N],
    wanted: str = "",
    *,
    where: Callable[[N], bool] = lambda _: True,
) -> N:
    """Return the wanted name of a policy, or the first one.

    Raises:
        InvalidInput: There is none.
    """
    known = [n for n in topology.zone.names if isinstance(n, policy) and where(n)]
    return _chosen(topology, known, "name", wanted, f"a {policy.__name__} name")


def resolver(
    topology: Topology,
    behaviour: ResolverBehaviour,
    wanted: str = "",
    *,
    where: Callable[[Resolver], bool] = lambda _: True,
    among: Collection[ResolverBehaviour] = frozenset(ResolverBehaviour),
) -> Resolver:
    """Return the wanted resolver, or the first one of that behaviour.

    One that is wanted by name may have any behaviour `among` those listed.

    Raises:
        InvalidInput: There is none.
    """
    wished = among if wanted else (behaviour,)
    known = [r for r in topology.resolvers if r.behaviour in wished and where(r)]
    return _chosen(
        topology, known, "resolver", wanted, f"a resolver that is {behaviour}"
    )


def honest_in(topology: Topology, access: Access) -> Resolver:
    """Return the first honest resolver of an access network.

    Raises:
        InvalidInput: It has none.
    """
    return resolver(
        topology, ResolverBehaviour.HONEST, where=lambda r: r in access.resolvers
    )


def leading_to(topology: Topology, only: Region) -> RoundRobin:
    """Return the name whose one address is a region's, whatever its health.

    Raises:
        InvalidInput: There is none.
    """
    return name(topology, RoundRobin, where=lambda n: n.regions == (only.name,))


def region(topology: Topology, wanted: str = "") -> Region:
    """Return the wanted region, or the first one.

    Raises:
        InvalidInput: There is no such region.
    """
    return _chosen(topology, topology.regions, "target", wanted, "a region")


def pair(topology: Topology) -> tuple[Region, Region]:
    """Return the regions of a topology of two, which stand in for each other.

    Raises:
        InvalidInput: There are more, or fewer.
    """
    match topology.regions:
        case (one, other):
            return one, other
    what = f"topology {topology.name} has {len(topology.regions)} regions"
    raise InvalidInput((Problem(what=what, allowed="two"),))


def steered(topology: Topology) -> Geo:
    """Return the name answered by place and health, and with one address.

    Raises:
        InvalidInput: There is none.
    """
    return name(topology, Geo, where=lambda n: n.failover and not n.anycast)


def beside(topology: Topology, near: Region) -> Access:
    """Return an access network that reaches a region before all others.

    Raises:
        InvalidInput: There is none.
    """
    nearby = (a for a in topology.access if a.transit in near.uplinks)
    return _chosen(
        topology, nearby, "access", "", f"an access network beside {near.name}"
    )


def long_link(topology: Topology, here: str, there: str) -> TransitLink:
    """Return the link with a delay between two transits.

    Raises:
        InvalidInput: There is none.
    """
    between = (x for x in topology.links if {*x.between} == {here, there})
    return _chosen(
        topology,
        (x for x in between if x.delay_ms),
        "link",
        "",
        f"a link with a delay_ms between {here} and {there}",
    )


def of_one_edge(topology: Topology, wanted: str) -> Region:
    """Return the wanted region, whose one uplink is its only way out.

    Raises:
        InvalidInput: It has several.
    """
    found = region(topology, wanted)
    if found.edges > 1:
        what = f"topology {topology.name}: region {found.name} has {found.edges} edges"
        raise InvalidInput((Problem(what=what, allowed="one"),))
    return found


def spared(topology: Topology, wanted: str) -> Region:
    """Return the wanted region, which a backend or an L4 node can leave and live on.

    Raises:
        InvalidInput: It has only one of either.
    """
    found = region(topology, wanted)
    if found.l4 < 2 or len(found.backends) < 2:
        what = (
            f"topology {topology.name}: region {found.name} has l4: {found.l4} and "
            f"{len(found.backends)} backend(s)"
        )
        raise InvalidInput((Problem(what=what, allowed="at least two of each"),))
    return found


def access_of(topology: Topology, asked: Resolver) -> Access:
    """Return the access network a resolver is in, the first one for a public one."""
    here = (a for a in topology.access if asked in a.resolvers)
    return next(here, topology.access[0])


def serves(topology: Topology, asked: Resolver, access: Access) -> bool:
    """Tell whether users of a network may ask a resolver."""
    return is_public(asked) or asked in access.resolvers


def is_public(asked: Resolver) -> bool:
    """Tell whether users of every network may ask a resolver."""
    return isinstance(asked, PublicResolver)


def brands(topology: Topology) -> tuple[Resolver, ...]:
    """Return one resolver of each daemon and behaviour that resolves by itself.

    But for a clamp: it keeps answers longer and does nothing else.
    """
    alone = (
        r
        for r in topology.resolvers
        if r.forwards_to is None and r.behaviour is not ResolverBehaviour.CLAMPING
    )
    one_of_each = {(r.daemon, r.behaviour, r.stale_after_s): r for r in alone}
    return tuple(one_of_each.values())


def by_scope(topology: Topology) -> tuple[Provider, Provider]:
    """Return a provider that answers for the subnet told, and one for more of them.

    Raises:
        InvalidInput: There are not both.
    """
    narrow = [p for p in topology.zone.providers if p.daemon in COPIES_SCOPE]
    wide = [p for p in topology.zone.providers if p.daemon not in COPIES_SCOPE]
    if not narrow or not wide:
        what = f"topology {topology.name} has not what this scenario needs"
        allowed = "one with a provider of each brand"
        raise InvalidInput((Problem(what=what, allowed=allowed),))
    return narrow[0], wide[0]


def hasty_and_patient(topology: Topology) -> tuple[Provider, Provider]:
    """Return a provider that one failed check decides for, and one that counts.

    Raises:
        InvalidInput: There are not both.
    """
    hasty = [p for p in topology.zone.providers if not CHECKERS[p.daemon].counts]
    patient = [p for p in topology.zone.providers if CHECKERS[p.daemon].counts]
    if not hasty or not patient:
        what = f"topology {topology.name} has not what this scenario needs"
        allowed = "one with a provider that counts failures and one that does not"
        raise InvalidInput((Problem(what=what, allowed=allowed),))
    return hasty[0], patient[0]


def cohort(
    access: Access,
    asked: Resolver,
    served: ServedName,
    behaviour: Behaviour = Behaviour.FIRST_ADDRESS,
    *,
    clients: int,
    interval_ms: int,
    jitter: float = 0.0,
    cookies: bool = False,
    keeps_port: bool = False,
    path: str = "/",
    header: str = "",
    tls: bool = False,
    label: str = "",
) -> Cohort:
    """Return the cohort of a network's users of a resolver and a name.

    Its `label` tells it from another one of the same kind.
    """
    told = f"{access.name}/{served.name}/{asked.name}/{behaviour}"
    return Cohort(
        name=f"{told}/{label}" if label else told,
        access=access.name,
        resolver=asked.name,
        behaviour=behaviour,
        qname=served.name,
        clients=clients,
        interval_ms=interval_ms,
        jitter=jitter,
        cookies=cookies,
        keeps_port=keeps_port,
        path=path,
        header=header,
        tls=tls,
    )


def _chosen(
    topology: Topology, known: Iterable[T], key: str, wanted: str, needed: str
) -> T:
    by_name = {thing.name: thing for thing in known}
    if wanted and wanted not in by_name:
        what = f'{key} is "{wanted}"'
        raise InvalidInput((Problem(what=what, allowed=", ".join(by_name) or "none"),))
    if not by_name:
        what = f"topology {topology.name} has not what this scenario needs"
        raise InvalidInput((Problem(what=what, allowed=f"one with {needed}"),))
    return by_name[wanted] if wanted else next(iter(by_name.values()))

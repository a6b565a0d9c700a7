"""The way of one request of a user, looked at on every layer of a running lab."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as File
from tempfile import TemporaryDirectory
from typing import Any

from lab.errors import CommandFailed, WrongUse
from lab.history import Event, EventKind
from lab.live.capture import capturing, filters
from lab.live.channel import Channel, output_of, replies
from lab.live.daemons.bird import paths_argv
from lab.live.fleet import Fleet
from lab.live.paths import parse_paths
from lab.live.wire import carried
from lab.plan.model import Role
from lab.report.journey import Hop
from lab.scenario.bounds import lifetime_s
from lab.topology.model import Access, AnycastName, Resolver, Topology

_REPLY_S = 10.0
_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose request is looked at: of a name, by way of a resolver."""

    access: Access
    qname: str
    resolver: Resolver


def wanted(topology: Topology, client: str, qname: str, resolver: str) -> Wanted:
    """Return what a person asks for; without a resolver, the network's first one.

    Raises:
        WrongUse: There is no such client, name or resolver.
    """
    zone = topology.zone
    access = {a.clients.name: a for a in topology.access}
    if client not in access:
        raise WrongUse(f'no clients "{client}"; the lab has: {", ".join(access)}')
    name = qname.removesuffix(".").removesuffix(f".{zone.name}")
    names = [served.name for served in zone.names]
    if name not in names:
        raise WrongUse(f'no name "{qname}" in {zone.name}; it has: {", ".join(names)}')
    own = access[client].resolvers
    known = {r.name: r for r in (*own, *topology.public_resolvers)}
    if resolver and resolver not in known:
        there = ", ".join(known)
        raise WrongUse(f'{client} cannot ask "{resolver}"; it can ask: {there}')
    asked = known[resolver] if resolver else next(iter(known.values()))
    return Wanted(access=access[client], qname=name, resolver=asked)


def journey(fleet: Fleet, topology: Topology, asked: Wanted) -> tuple[Hop, ...]:
    """Make one request and return what every layer did with it, in its order.

    Raises:
        CommandFailed: A node could not be looked at.
    """
    user = asked.access.clients.name
    name = f"{asked.qname}.{topology.zone.name}"
    argv = ("python3", "-m", "lab.agent.journey", str(asked.resolver.address), name)
    authorities = {p.name for p in topology.zone.providers}
    with TemporaryDirectory() as folder:
        here = File(folder)
        wires = {n: f for n, f in filters(topology).items() if n in authorities}
        with capturing(fleet, wires, here, at_once=True):
            told = json.loads(fleet.channels[user].run(*argv))
        upstream = tuple(_upstream(topology, asked, here, told["wall_ns"]))
    hops = (
        Hop(layer="stub", node=user, what=f"asks {asked.resolver.name} for {name}"),
        _resolver(topology, asked, told["asked"], upstream),
        *(_authority(topology, asked, question) for question in upstream),
    )
    fetched = told["fetched"]
    if not fetched:
        return hops
    address = _address(topology, asked, told["asked"]["addresses"])
    routers, end = way(fleet, topology, asked.access, fetched)
    return (*hops, address, *routers, *_servers(end, fetched))


def _upstream(
    topology: Topology, asked: Wanted, folder: File, wall_ns: int
) -> Iterator[Event]:
    """Yield the questions that reached authorities on behalf of this one."""
    whose = {asked.resolver.name, asked.resolver.forwards_to}
    for event in carried(topology, folder, wall_ns_at_start=wall_ns):
        if event.kind is EventKind.UPSTREAM:
            of_name = event.detail["name"] == asked.qname
            if of_name and event.detail["resolver"] in whose:
                yield event


def _authority(topology: Topology, asked: Wanted, question: Event) -> Hop:
    brands = {p.name: p.daemon for p in topology.zone.providers}
    policy = topology.served(asked.qname).policy
    seen = question.detail
    subnet = f" for {seen['subnet']}" if seen["subnet"] else ""
    return Hop(
        layer="authority",
        node=question.node,
        what=f"{brands[question.node]}, policy {policy}: asked{subnet} by "
        f"{seen['resolver']} after {question.at_ns / _NS_PER_MS:.1f} ms",
    )


def _resolver(
    topology: Topology,
    asked: Wanted,
    answer: Mapping[str, Any],
    upstream: tuple[Event, ...],
) -> Hop:
    resolver = asked.resolver
    kept_s = lifetime_s(topology.timers_of(asked.qname), resolver)
    if "error" in answer:
        what = answer["error"]
    elif not answer["addresses"]:
        what = f"{answer['rcode']}, no address"
    elif not upstream:
        age_s = max(0, kept_s - answer["ttl_s"])
        what = f"hit, {age_s} s old; {answer['ttl_s']} s of {kept_s} s left"
    elif _is_stale(answer, upstream, kept_s):
        what = f"an answer that has ended, for {answer['ttl_s']} s; asks behind it"
    else:
        what = f"miss; tells a TTL of {answer['ttl_s']} s"
    return Hop(
        layer="resolver",
        node=resolver.name,
        what=f"{resolver.daemon}, {resolver.behaviour}: {what}",
        took_ms=answer["took_ms"],
    )


def _is_stale(
    answer: Mapping[str, Any], upstream: tuple[Event, ...], kept_s: int
) -> bool:
    """Tell whether an answer cannot be what the authority said just now.

    It came before the question was there, or with less than a fresh one's TTL (of
    which a resolver takes up to a second at once).
    """
    asked_ms = min(question.at_ns for question in upstream) / _NS_PER_MS
    return bool(asked_ms > answer["took_ms"] or answer["ttl_s"] < kept_s - 1)


def _address(topology: Topology, asked: Wanted, addresses: list[str]) -> Hop:
    first = addresses[0]
    owners = {str(r.address): r.name for r in topology.regions}
    anycast = isinstance(topology.served(asked.qname), AnycastName)
    what = "anycast: the routes decide" if anycast else f"unicast of {owners[first]}"
    several = f"; the first of {len(addresses)}" if len(addresses) > 1 else ""
    return Hop(layer="address", node=first, what=f"{what}{several}")


def way(
    fleet: Fleet, topology: Topology, access: Access, fetched: Mapping[str, Any]
) -> tuple[list[Hop], str]:
    """Return each router on the way, as its kernel forwards now, and the L4 node.

    The latter is "" where the way ends before one.
    """
    book = address_book(fleet)
    hops: list[Hop] = []
    node, asns = access.name, _asns(topology)
    while node not in {hop.node for hop in hops}:
        router = fleet.channels[node]
        try:
            route = _route(router, fetched)
        except CommandFailed:
            hops.append(_router(node, f"no route to {fetched['address']}"))
            break
        onward = book.get(route.gateway, route.gateway)
        by = _as_path(router, fetched["address"], asns)
        one_of = f", one of {route.ways} by the flow's hash" if route.ways > 1 else ""
        hops.append(_router(node, f"{route.prefix} to {onward}{one_of}{by}"))
        if onward not in fleet.members:
            break
        node = onward
        if fleet.members[node].role is Role.L4:
            return hops, node
    return hops, ""


@dataclass(frozen=True, slots=True)
class _Route:
    """What a kernel does with a flow: by which prefix, and to which of its hops."""

    prefix: str
    gateway: str
    ways: int


def _route(router: Channel, fetched: Mapping[str, Any]) -> _Route:
    """Return a router's route for a flow; source: ip-route(8), `get` and `fibmatch`.

    Raises:
        CommandFailed: It has none.
    """
    address = fetched["address"]
    get = ("ip", "-j", "route", "get")
    (match,) = json.loads(router.run(*get, "fibmatch", address))
    hops = match.get("nexthops", ())
    if not hops or "source" not in fetched:
        gateway = match.get("gateway") or " or ".join(h["gateway"] for h in hops)
        return _Route(match["dst"], gateway, len(hops))
    (back,) = json.loads(router.run(*get, fetched["source"]))
    flow = ("from", fetched["source"], "iif", back["dev"], "ipproto", "tcp")
    ports = ("sport", str(fetched["port"]), "dport", "80")
    (picked,) = json.loads(router.run(*get, address, *flow, *ports))
    return _Route(match["dst"], picked["gateway"], len(hops))


def _router(node: str, what: str) -> Hop:
    return Hop(layer="router", node=node, what=what)


def _asns(topology: Topology) -> dict[int, str]:
    return (
        {transit.asn: transit.name for transit in topology.transits}
        | {region.asn: region.name for region in topology.regions}
        | {access.asn: access.name for access in topology.access}
    )


def _as_path(router: Channel, address: str, asns: Mapping[int, str]) -> str:
    """Return in words what BGP says of a router's way to an address."""
    try:
        paths = parse_paths(router.run(*paths_argv(address)))
    except CommandFailed:
        return "; its BIRD does not answer"
    best = next((path for path in paths if path.best), None)
    as_path = best.as_path if best else ()
    hops = [f"AS{asn} {asns.get(asn, '')}".strip() for asn in as_path]
    return f", AS path {' > '.join(hops)}" if hops else ""


def _servers(l4: str, fetched: Mapping[str, Any]) -> Iterator[Hop]:
    """Yield what ended the connection, what proxied the request, and what replied."""
    if "connect_ms" not in fetched:
        what = f"no connection: {fetched['error']}"
        yield Hop(layer="L4", node=l4, what=what, took_ms=fetched["took_ms"])
        return
    what = f"the connection stands, from port {fetched['port']}"
    yield Hop(layer="L4", node=l4, what=what, took_ms=fetched["connect_ms"])
    if "error" in fetched:
        waited_ms = fetched["took_ms"] - fetched["connect_ms"]
        what = f"no reply: {fetched['error']}"
        yield Hop(layer="L7", node="", what=what, took_ms=waited_ms)
        return
    yield Hop(layer="L7", node=fetched["l7"], what="chooses a backend, per request")
    said = json.loads(fetched["body"]) if fetched["status"] == 200 else {}
    region = f", in {said['region']}" if said else ""
    yield Hop(
        layer="backend",
        node=said.get("backend", ""),
        what=f"status {fetched['status']}{region}",
        took_ms=fetched["reply_ms"],
    )


def address_book(fleet: Fleet) -> dict[str, str]:
    """Return which node has a link's address.

    Raises:
        CommandFailed: A node did not tell.
    """
    argv = ("ip", "-j", "-4", "address")
    told = replies(fleet.request("run", tuple(fleet.channels), argv=argv), _REPLY_S)
    return {
        info["local"]: node
        for node, reply in told.items()
        for port in json.loads(output_of(reply, node, argv))
        if port["ifname"] != "lo"
        for info in port["addr_info"]
    }

"""The way of one request of a user, looked at on every layer of a running lab."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as File
from tempfile import TemporaryDirectory
from typing import Any

from lab.errors import CommandFailed, WrongUse
from lab.history import EventKind
from lab.live.capture import capturing, filters
from lab.live.channel import output_of, replies
from lab.live.daemons.bird import paths_argv
from lab.live.fleet import Fleet
from lab.live.paths import Path, parse_paths
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
    wires = {n: f for n, f in filters(topology).items() if n != user}
    authorities = {p.name for p in topology.zone.providers}
    with TemporaryDirectory() as folder:
        here = File(folder)
        with capturing(fleet, {n: wires[n] for n in authorities}, here):
            told = json.loads(fleet.channels[user].run(*argv))
        upstream = tuple(_upstream(topology, asked, here, told["wall_ns"]))
    stub = Hop(layer="stub", node=user, what=f"asks {asked.resolver.name} for {name}")
    hops = (stub, _resolver(topology, asked, told["asked"], upstream), *upstream)
    fetched = told["fetched"]
    if not fetched:
        return hops
    address = _address(topology, asked, told["asked"]["addresses"])
    routers, end = way(fleet, topology, asked.access, fetched)
    return (*hops, address, *routers, *_servers(end, fetched))


def _upstream(
    topology: Topology, asked: Wanted, folder: File, wall_ns: int
) -> Iterator[Hop]:
    """Yield the questions that reached authorities on behalf of this one."""
    brands = {p.name: p.daemon for p in topology.zone.providers}
    served = topology.served(asked.qname)
    whose = {asked.resolver.name, asked.resolver.forwards_to}
    for event in carried(topology, folder, wall_ns_at_start=wall_ns):
        seen = event.detail
        if event.kind is not EventKind.UPSTREAM or seen["name"] != asked.qname:
            continue
        if seen["resolver"] not in whose:
            continue
        subnet = f" for {seen['subnet']}" if seen["subnet"] else ""
        yield Hop(
            layer="authority",
            node=event.node,
            what=f"{brands[event.node]}, policy {served.policy}: asked{subnet} by "
            f"{seen['resolver']} after {event.at_ns / _NS_PER_MS:.1f} ms",
        )


def _resolver(
    topology: Topology,
    asked: Wanted,
    answer: Mapping[str, Any],
    upstream: tuple[Hop, ...],
) -> Hop:
    resolver = asked.resolver
    kept_s = lifetime_s(topology.timers_of(asked.qname), resolver)
    if "error" in answer:
        what = answer["error"]
    elif not answer["addresses"]:
        what = f"{answer['rcode']}, no address"
    elif upstream:
        what = f"miss; tells a TTL of {answer['ttl_s']} s"
    else:
        age_s = max(0, kept_s - answer["ttl_s"])
        what = f"hit, {age_s} s old; {answer['ttl_s']} s of {kept_s} s left"
    return Hop(
        layer="resolver",
        node=resolver.name,
        what=f"{resolver.daemon}, {resolver.behaviour}: {what}",
        took_ms=answer["took_ms"],
    )


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
    """Return each router on the way, as its table is now, and the L4 node behind.

    The latter is "" where the way ends before one.
    """
    book = address_book(fleet)
    hops: list[Hop] = []
    node, asns = access.name, _asns(topology)
    while node not in {hop.node for hop in hops}:
        try:
            said = fleet.channels[node].run(*paths_argv(fetched["address"]))
        except CommandFailed:
            hops.append(_router(node, "its BIRD does not answer"))
            break
        path = next((p for p in parse_paths(said) if p.best), None)
        if path is None or not path.via:
            why = path.kind if path else "no route"
            hops.append(_router(node, f"{fetched['address']}: {why}"))
            break
        ways = [book.get(via, via) for via in path.via]
        onward = ways[0] if len(ways) == 1 else _picked(fleet, node, fetched, book)
        hops.append(_router(node, _decision(path, len(ways), onward, asns)))
        if onward not in fleet.members:
            break
        node = onward
        if fleet.members[node].role is Role.L4:
            return hops, node
    return hops, ""


def _router(node: str, what: str) -> Hop:
    return Hop(layer="router", node=node, what=what)


def _asns(topology: Topology) -> dict[int, str]:
    return (
        {transit.asn: transit.name for transit in topology.transits}
        | {region.asn: region.name for region in topology.regions}
        | {access.asn: access.name for access in topology.access}
    )


def _decision(path: Path, ways: int, onward: str, asns: Mapping[int, str]) -> str:
    """Return in words where a router sends it, and by which path."""
    hops = [f"AS{asn} {asns.get(asn, '')}".strip() for asn in path.as_path]
    by = f", AS path {' > '.join(hops)}" if hops else ""
    one_of = f", one of {ways} by the flow's hash" if ways > 1 else ""
    return f"{path.prefix} to {onward}{one_of}{by}"


def _picked(
    fleet: Fleet, node: str, fetched: Mapping[str, Any], book: Mapping[str, str]
) -> str:
    """Return the next hop that a router's kernel picks for this very flow."""
    if "source" not in fetched:
        return "one of several"
    back = fleet.channels[node].run("ip", "-j", "route", "get", fetched["source"])
    port = json.loads(back)[0]["dev"]
    flow = (fetched["address"], "from", fetched["source"], "iif", port)
    ports = ("ipproto", "tcp", "sport", str(fetched["port"]), "dport", "80")
    argv = ("ip", "-j", "route", "get", *flow, *ports)
    via = json.loads(fleet.channels[node].run(*argv))[0]["gateway"]
    return book.get(via, via)


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

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
from lab.topology.model import (
    Access,
    Resolver,
    ResolverBehaviour,
    Topology,
)

_REPLY_S = 10.0
_NS_PER_MS = 1e6
_GET = ("ip", "-j", "route", "get")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose request is looked at: of a name, by way of a resolver.

    Attributes:
        timed: Whether the topology's timers are known to be the running lab's.
    """

    access: Access
    qname: str
    resolver: Resolver
    timed: bool = True


def wanted(
    topology: Topology, client: str, qname: str, resolver: str, *, timed: bool = True
) -> Wanted:
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
    return Wanted(access=access[client], qname=name, resolver=asked, timed=timed)


def journey(fleet: Fleet, topology: Topology, asked: Wanted) -> tuple[Hop, ...]:
    """Make one request and return what every layer did with it, in its order.

    Raises:
        WrongUse: A node that has to be looked at does not run.
        CommandFailed: One could not be looked at.
    """
    needed = (*(p.name for p in topology.zone.providers), asked.access.clients.name)
    if ended := [node for node in needed if node not in fleet.channels]:
        raise WrongUse(f"does not run: {', '.join(ended)}; see `lab status`")
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
        resolver_hop(topology, asked, told["asked"], upstream),
        *(_authority(topology, asked, question) for question in upstream),
    )
    fetched = told["fetched"]
    if not fetched:
        return hops
    address = _address(topology, asked, told["asked"]["addresses"])
    routers, end = way(fleet, topology, asked.access, fetched)
    packets = bool(end) and fleet.members[end].stem == "nftables"
    return (*hops, address, *routers, *_servers(end, fetched, packets=packets))


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


def resolver_hop(
    topology: Topology,
    asked: Wanted,
    answer: Mapping[str, Any],
    upstream: tuple[Event, ...],
) -> Hop:
    """Return what a resolver did, from its answer and the authorities' questions."""
    resolver = asked.resolver
    if "error" in answer:
        what = answer["error"]
    elif not answer["addresses"]:
        what = f"{answer['rcode']}, no address"
    else:
        kept_s = lifetime_s(topology.timers_of(asked.qname), resolver)
        what = _from_cache(topology, asked, answer["ttl_s"], kept_s)
        if upstream:
            what = f"miss; tells a TTL of {answer['ttl_s']} s"
            if _is_stale(asked, answer, upstream, kept_s):
                what = f"ended, told for {answer['ttl_s']} s more; asks behind it"
    return Hop(
        layer="resolver",
        node=resolver.name,
        what=f"{resolver.daemon}, {resolver.behaviour}: {what}",
        took_ms=answer["took_ms"],
    )


def _from_cache(topology: Topology, asked: Wanted, left_s: int, kept_s: int) -> str:
    """Return in words what an answer is for which no authority was asked.

    A question to an authority that is gone is seen nowhere, so an answer that has
    ended looks like one with as much time left as those are told with.
    """
    resolver = asked.resolver
    if resolver.behaviour is ResolverBehaviour.SERVE_STALE:
        told_s = topology.timers.stale_answer_ttl_s
        longest_s = kept_s if resolver.daemon == "recursor" else told_s
        if not asked.timed or left_s <= longest_s:
            return f"kept, or ended and told stale; {left_s} s left of it"
    if not asked.timed:
        return f"hit; {left_s} s left"
    return f"hit, {max(0, kept_s - left_s)} s old; {left_s} s of {kept_s} s left"


def _is_stale(
    asked: Wanted, answer: Mapping[str, Any], upstream: tuple[Event, ...], kept_s: int
) -> bool:
    """Tell whether an answer cannot be what the authority said just now.

    It came before the question was there, or with less than a fresh one's TTL (of
    which a resolver takes up to a second at once).
    """
    asked_ms = min(question.at_ns for question in upstream) / _NS_PER_MS
    if asked_ms > answer["took_ms"]:
        return True
    return asked.timed and bool(answer["ttl_s"] < kept_s - 1)


def _address(topology: Topology, asked: Wanted, addresses: list[str]) -> Hop:
    first = addresses[0]
    owners = {str(r.address): f"unicast of {r.name}" for r in topology.regions}
    hybrids = (hybrid.address for hybrid in topology.hybrids)
    for shared in (topology.anycast.address, *hybrids):
        owners[str(shared)] = "anycast: the routes decide"
    if topology.global_l4:
        owners[str(topology.global_l4.address)] = "a balancer in front of the regions"
    what = owners[first]
    several = f"; the first of {len(addresses)}" if len(addresses) > 1 else ""
    return Hop(layer="address", node=first, what=f"{what}{several}")


def way(
    fleet: Fleet, topology: Topology, access: Access, fetched: Mapping[str, Any]
) -> tuple[list[Hop], str]:
    """Return each router on the way, as its kernel forwards now, and the L4 node.

    The latter may be a balancer in front of the regions, and is "" where the way ends
    before one.
    """
    book = address_book(fleet)
    hops: list[Hop] = []
    node, asns = access.name, _asns(topology)
    while node not in {hop.node for hop in hops}:
        router = fleet.channels[node]
        match = _match(router, fetched["address"])
        if match is None:
            hops.append(_router(node, f"no route to {fetched['address']}"))
            break
        prefix, gateways = match
        picked = gateways[0] if len(gateways) == 1 else _picked(router, fetched)
        ways = [book.get(gateway, gateway) for gateway in gateways]
        onward = book.get(picked, " or ".join(ways))
        by = _as_path(router, fetched["address"], asns)
        hashed = f", one of {len(ways)} by the flow's hash" if picked else ""
        one_of = hashed if len(ways) > 1 else ""
        hops.append(_router(node, f"{prefix} to {onward}{one_of}{by}"))
        if onward not in fleet.members:
            break
        node = onward
        if fleet.members[node].role in {Role.GLOBAL_L4, Role.L4}:
            return hops, node
    return hops, ""


def _match(router: Channel, address: str) -> tuple[str, list[str]] | None:
    """Return a kernel's prefix for an address and its next hops; None without route.

    Source:
        ip-route(8), `get fibmatch`.
    """
    argv = (*_GET, "fibmatch", address)
    reply = router.request("run", argv=argv).reply(_REPLY_S)
    if reply["status"]:
        return None
    (match,) = json.loads(reply["stdout"])
    hops = match.get("nexthops", (match,))
    gateways = [hop["gateway"] for hop in hops if "gateway" in hop]
    return (match["dst"], gateways) if gateways else None


def _picked(router: Channel, fetched: Mapping[str, Any]) -> str:
    """Return the next hop that a kernel picks for this flow; "" if it cannot tell."""
    if "source" not in fetched:
        return ""
    try:
        (back,) = json.loads(router.run(*_GET, fetched["source"]))
        flow = ("from", fetched["source"], "iif", back["dev"], "ipproto", "tcp")
        ports = ("sport", str(fetched["port"]), "dport", "80")
        (hop,) = json.loads(router.run(*_GET, fetched["address"], *flow, *ports))
    except CommandFailed:  # no way back to the user
        return ""
    return str(hop["gateway"])


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


def _servers(l4: str, fetched: Mapping[str, Any], *, packets: bool) -> Iterator[Hop]:
    """Yield what ended the connection, what proxied the request, and what replied.

    Where L4 nodes send `packets` on, the connection is one with the L7 node.
    """
    if "connect_ms" not in fetched:
        what = f"no connection: {fetched['error']}"
        yield Hop(layer="L4", node=l4, what=what, took_ms=fetched["took_ms"])
        return
    what = f"the connection stands, from port {fetched['port']}"
    what += "; the packets are sent on by the flow's hash" if packets else ""
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

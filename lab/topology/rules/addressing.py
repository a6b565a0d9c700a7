"""Rules on prefixes and addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from lab.topology.draft import Draft, address, prefix, text, whole
from lab.topology.finding import Finding, Path
from lab.topology.hybrids import Technique
from lab.topology.model import MOST_EDGES
from lab.topology.values import SUBNET_SIZE, Address, Prefix

#: RFC 2544 (benchmarking) and RFC 5737 (documentation); 192.0.2.0/24 is left out
#: because hosts do use it.
RESERVED = tuple(
    Prefix(p) for p in ("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24")
)
#: What a prefix holds beside its routers' addresses: those of the network, of broadcast
#: and of one service.
_OTHERS = 3
_MOST_SUBNETS = 256

_SITES = ("regions.*", "transits.*", "access.*")
_SERVERS = ("public_resolvers.*", "zone.providers.*", "zone.parents.*")
_SHARED = ("anycast", "hybrids.*")
_ADDRESSES = (
    *_SHARED,
    "global_l4",
    "regions.*",
    "access.*.clients",
    "access.*.resolvers.*",
    *_SERVERS,
)


def prefixes_are_reserved_ones(draft: Draft) -> Iterator[Finding]:
    """Find a prefix that belongs to somebody outside the lab."""
    for path, network in _prefixes(draft):
        if not any(network.subnet_of(reserved) for reserved in RESERVED):
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: prefix {network} may be in use outside "
                "the lab",
                allowed=f"a part of {', '.join(map(str, RESERVED))}",
            )


def prefixes_have_room(draft: Draft) -> Iterator[Finding]:
    """Find a prefix too small for its routers and one more address."""
    for path, network in _prefixes(draft):
        routers, longest = _routers(draft, path), _longest(draft, path)
        if routers and network.prefixlen > longest:
            them = "a router" if routers == 1 else f"{routers} routers"
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: prefix {network} has no room for {them} "
                "and a service",
                allowed=f"a length of at most /{longest}",
            )


def prefixes_do_not_overlap(draft: Draft) -> Iterator[Finding]:
    """Find two prefixes that share addresses."""
    for (first, one), (second, other) in combinations(_prefixes(draft), 2):
        if one.overlaps(other):
            yield Finding(
                path=second,
                what=f"{draft.subject(second)}: prefix {other} overlaps {one} of "
                f"{draft.subject(first)}",
                allowed="a prefix that shares no address with any other",
            )


def addresses_are_unique(draft: Draft) -> Iterator[Finding]:
    """Find an address that two things have."""
    owners: dict[Address, Path] = {}
    for path, value in _every_address(draft):
        first = owners.setdefault(value, path)
        if first != path:
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: address {value} is also that of "
                f"{draft.subject(first)}",
                allowed="an address that nothing else has",
            )


def addresses_are_in_their_prefix(draft: Draft) -> Iterator[Finding]:
    """Find an address that nobody routes to where it is."""
    for path, value in _addresses(draft):
        home = _home(draft, path)
        network = draft.get((*home, "prefix"), prefix) if home else None
        if network is not None and value not in network:
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: address {value} is outside {network}, "
                f"the prefix of {draft.subject(home)}",
                allowed="an address in that prefix",
            )


def users_are_in_their_prefix(draft: Draft) -> Iterator[Finding]:
    """Find more subnets of users than the prefix of their network has room for."""
    for path, first in draft.find("access.*.clients.address", address):
        last = max((a for p, a in _further_users(draft) if p == path), default=first)
        network = draft.get((*path[:2], "prefix"), prefix)
        if network is not None and first in network and last not in network:
            room = (int(network[-1]) - int(first)) // SUBNET_SIZE + 1
            yield Finding(
                path=(*path[:-1], "subnets"),
                what=f"{draft.subject(path)}: subnets from {first} on reach {last}, "
                f"outside {network}, the prefix of {draft.subject(path[:2])}",
                allowed=f"at most {room}",
            )


def addresses_are_not_the_routers(draft: Draft) -> Iterator[Finding]:
    """Find an address that the router of a prefix has, or no host can have."""
    taken: dict[Address, str] = {}
    for path, network in _prefixes(draft):
        routers, subject = _routers(draft, path), draft.subject(path)
        if routers and network.prefixlen <= _longest(draft, path):
            taken[network[0]] = f"the network address of {network}"
            taken[network[-1]] = f"the broadcast address of {network}"
            for number in range(routers):
                which = f"edge {number + 1}" if routers > 1 else "the router"
                taken[network[number + 1]] = f"that of {which} of {subject}"
    for path, value in _every_address(draft):
        if value in taken:
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: address {value} is {taken[value]}",
                allowed="another address of the prefix",
            )


def _routers(draft: Draft, path: Path) -> int:
    """Return how many routers have an address of a prefix; none has of a shared one."""
    if path[0] in {"anycast", "hybrids"}:
        return 0
    edges = draft.get((*path[:2], "edges"), whole) if path[0] == "regions" else 1
    return min(max(edges or 1, 1), MOST_EDGES)


def _longest(draft: Draft, path: Path) -> int:
    """Return the greatest length of a prefix that has room."""
    addresses = _routers(draft, path) + _OTHERS
    return Prefix(0).max_prefixlen - (addresses - 1).bit_length()


def _prefixes(draft: Draft) -> Iterator[tuple[Path, Prefix]]:
    for pattern in (*_SHARED, *_SITES):
        for path, network in draft.find(f"{pattern}.prefix", prefix):
            technique = draft.get((*path[:-1], "technique"), text)
            around = technique == Technique.SUPERPREFIX and network.prefixlen > 0
            yield path, network.supernet() if around else network


def _addresses(draft: Draft) -> Iterator[tuple[Path, Address]]:
    for pattern in _ADDRESSES:
        yield from draft.find(f"{pattern}.address", address)


def _every_address(draft: Draft) -> Iterator[tuple[Path, Address]]:
    yield from _addresses(draft)
    yield from _further_users(draft)


def _further_users(draft: Draft) -> Iterator[tuple[Path, Address]]:
    """Yield the addresses of users in the second subnet and those after it."""
    for path, first in draft.find("access.*.clients.address", address):
        subnets = min(draft.get((*path[:-1], "subnets"), whole) or 1, _MOST_SUBNETS)
        end = min(int(first) + SUBNET_SIZE * subnets, 1 << first.max_prefixlen)
        for value in range(int(first) + SUBNET_SIZE, end, SUBNET_SIZE):
            yield path, Address(value)


def _home(draft: Draft, path: Path) -> Path:
    """Return what holds the prefix that an address belongs to; () if unknown."""
    match path:
        case ("anycast", _):
            return path[:1]
        case ("hybrids", _, _):
            return path[:2]
        case ("regions" | "access", _, *_):
            return path[:2]
    transit = draft.get((*path[:-1], "transit"), text)
    found = (p[:-1] for p, n in draft.find("transits.*.name", text) if n == transit)
    return next(found, ())

"""The topology file as frozen models: what exists, before anything is decided.

Shapes and single-value rules only; rules that relate two values (a region that
nobody declared, an address used twice) are in `lab.topology.rules`, and reading a
file with places for its errors is in `lab.topology.loading`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, PositiveInt

from lab.topology.base import Model, Name
from lab.topology.front import GlobalL4
from lab.topology.hybrids import Hybrid
from lab.topology.l4 import L4Hash, L4Kind
from lab.topology.l7 import L7Policy
from lab.topology.timers import Announce, Check, CheckerDeath, Depth, Timers
from lab.topology.values import (
    SUBNET_SIZE,
    Address,
    Asn,
    DomainName,
    ParentZone,
    Prefix,
    Weight,
)


class ResolverBehaviour(StrEnum):
    """What a resolver does with a time to live."""

    HONEST = "honest"
    CLAMPING = "clamping"
    SERVE_STALE = "serve-stale"
    ECS = "ecs"  # tells named providers the user's subnet (RFC 7871)
    NO_ECS = "no-ecs"  # strips the subnet that a user or a forwarder sent
    FORWARDING = "forwarding"  # asks another resolver, as a home router does


class Probe(StrEnum):
    """Which endpoint of a region a DNS provider checks."""

    DEEP = "deep"  # says what users would see
    SHALLOW = "shallow"  # says that something listens


class AllDown(StrEnum):
    """What a health-checked name answers when every region is down."""

    FAIL_OPEN = "fail-open"  # all addresses: the checker may be wrong
    EMPTY = "empty"  # none


class Anycast(Model):
    """The anycast prefix that every region announces, and the address in it."""

    prefix: Prefix
    address: Address


class Beyond(StrEnum):
    """What a backend does with requests beyond its capacity."""

    REFUSE = "refuse"  # at once; health checks are answered all the same
    QUEUE = "queue"  # all wait in one line, health checks too


class Backend(Model):
    """One backend."""

    capacity_rps: PositiveInt
    """Requests a second that it serves."""
    beyond: Beyond = Beyond.REFUSE
    """What becomes of more than that."""
    weight: Annotated[int, Field(ge=1, le=128)] = 1
    """Its part of the requests, request by request, among the region's backends."""
    subset: Name | None = None
    """What routes call it, alone or with others."""


class Location(Model):
    """Where something is on the globe, in degrees (WGS 84)."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


MOST_EDGES: Final = 4  # of one region


class Region(Model):
    """A region: edge routers, L4 nodes, L7 nodes, backends."""

    name: Name
    asn: Asn
    transit: Name | None = None
    """What all its edges hang on."""
    transits: tuple[Name, ...] = ()
    """What each of its edges hangs on, in their order, where it is not one for all."""
    edges: Annotated[int, Field(ge=1, le=MOST_EDGES)] = 1
    """How many edge routers, each with an uplink of its own."""
    prefix: Prefix
    """Unicast prefix that edges originate; its first addresses are theirs."""
    address: Address
    """Service address, which DNS hands out and providers check."""
    l4: Annotated[int, Field(ge=1, le=8)] = 2
    """How many L4 nodes."""
    l4_kind: L4Kind = L4Kind.PROXY
    """How they pass connections on."""
    l4_hash: L4Hash = L4Hash.MAGLEV
    """To whom: `ring` is for a `proxy`, `modulo` for `packet`."""
    l7: Annotated[int, Field(ge=1, le=8)] = 2
    """How many L7 nodes."""
    l7_retries: Annotated[int, Field(ge=0, le=3)] = 1
    """How often they repeat a request that a backend did not answer."""
    l7_policy: L7Policy = L7Policy()
    """What else they do with each request."""
    backends: Annotated[tuple[Backend, ...], Field(min_length=1, max_length=16)]
    announce_depth: Depth | None = None
    """How far down its L4 nodes look, if not as `announce.depth` says."""
    on_checker_death: CheckerDeath | None = None
    """What their routes do without who looks, if not as `announce` says."""
    location: Location | None = None
    """Where its users' distance is counted from; `geo` names need it."""

    @property
    def uplinks(self) -> tuple[Name, ...]:
        """The transit of each edge."""
        return self.transits or (self.transit or "",) * self.edges


class Transit(Model):
    """A transit AS: one router, and the prefix of the servers attached to it."""

    name: Name
    asn: Asn
    prefix: Prefix
    location: Location | None = None


class TransitLink(Model):
    """A link between two transits."""

    name: Name
    between: tuple[Name, Name]
    delay_ms: Annotated[float, Field(ge=0, le=1000)] = 0
    """One-way delay, in each direction; a round trip takes twice as long."""


class Exchange(Model):
    """An Internet exchange: a LAN on which each member peers with every other.

    A peer is told of its neighbour's own network and of what hangs on it, and of
    nothing that the neighbour has learned from others (RFC 7908, section 3).
    """

    name: Name
    members: Annotated[tuple[Name, ...], Field(min_length=2, max_length=16)]
    """Transits; what is between them is one building wide."""


class Resolver(Model):
    """A caching resolver."""

    name: Name
    daemon: Literal["unbound", "recursor", "bind", "dnsmasq"]
    behaviour: ResolverBehaviour
    address: Address
    users: PositiveInt = 1
    """How many users ask it, from each access network in its reach."""
    stale_after_s: Annotated[float, Field(ge=0, le=60)] = 0
    """`serve-stale`: how long it tries for a fresh answer first (RFC 8767: 1.8).

    unbound and BIND answer at once with 0; Recursor has no other way than to try
    until the authority has failed.
    """
    ecs_to: tuple[Name, ...] = ()
    """`ecs`: the providers that it tells the user's subnet.

    `forwarding`: if there is any, it tells the resolver that it asks.
    """
    forwards_to: Name | None = None
    """`forwarding`: the resolver that it asks."""


class PublicResolver(Resolver):
    """A resolver attached to a transit, for users everywhere."""

    transit: Name


class Clients(Model):
    """The client container of an access network."""

    name: Name
    address: Address
    """Of the users in the first subnet."""
    subnets: Annotated[int, Field(ge=1, le=256)] = 1
    """How many networks of `SUBNET_SIZE` users live in, one after the other."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The address of the users in each subnet: the same host part in all."""
        return tuple(self.address + SUBNET_SIZE * k for k in range(self.subnets))


class Access(Model):
    """An access network: one router, its resolvers, its clients."""

    name: Name
    asn: Asn
    transit: Name
    prefix: Prefix
    clients: Clients
    resolvers: tuple[Resolver, ...] = ()
    location: Location | None = None


class Provider(Model):
    """An authoritative provider of the steered zone."""

    name: Name
    daemon: Literal["pdns", "gdnsd"]
    address: Address
    transit: Name


class Parent(Model):
    """An authoritative server of a parent zone (the root, the TLD)."""

    name: Name
    daemon: Literal["nsd"]
    zone: ParentZone
    address: Address
    transit: Name


class Steered(Model):
    """What every served name has."""

    name: Name
    ttl_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Published TTL of this name alone, as in the `real` profile."""


class RoundRobin(Steered):
    """All regions' addresses, in rotating order, whatever their health."""

    policy: Literal["round-robin"]
    regions: Annotated[tuple[Name, ...], Field(min_length=1)]


class Weighted(Steered):
    """One region per answer, in proportion to its weight."""

    policy: Literal["weighted"]
    weights: Annotated[dict[Name, Weight], Field(min_length=1)]


class Geo(Steered):
    """The region nearest to the network that asks, as the crow flies."""

    policy: Literal["geo"]
    regions: Annotated[tuple[Name, ...], Field(min_length=1)]
    failover: bool = False
    """Of the healthy regions alone; `probe` and `all_down` are about this."""
    probe: Probe = Probe.DEEP
    all_down: AllDown = AllDown.FAIL_OPEN
    anycast: bool = False
    """Whether every answer holds the anycast address beside the region's."""


class Failover(Steered):
    """The first healthy region of the list."""

    policy: Literal["failover"]
    regions: Annotated[tuple[Name, ...], Field(min_length=2)]
    """In order of preference."""
    threshold: Annotated[int, Field(ge=1, le=100)] | None = None
    """Failures in a row for this name alone, where a brand counts them."""
    probe: Probe = Probe.DEEP
    all_down: AllDown = AllDown.FAIL_OPEN


class AnycastName(Steered):
    """The one stable anycast address."""

    policy: Literal["anycast"]


class GlobalL4Name(Steered):
    """The address of the balancer in front of the regions."""

    policy: Literal["global-l4"]


class HybridName(Steered):
    """The address of a hybrid, whoever announces it."""

    policy: Literal["hybrid"]
    hybrid: Name


ServedName = Annotated[
    RoundRobin | Weighted | Geo | Failover | AnycastName | GlobalL4Name | HybridName,
    Field(discriminator="policy"),
]


class Zone(Model):
    """The steered zone: who serves it, its parents, its names."""

    name: DomainName
    providers: Annotated[tuple[Provider, ...], Field(min_length=1)]
    parents: Annotated[tuple[Parent, ...], Field(min_length=1)]
    names: Annotated[tuple[ServedName, ...], Field(min_length=1)]


class Topology(Model):
    """A whole topology file."""

    name: Name
    timers: Timers
    anycast: Anycast
    hybrids: tuple[Hybrid, ...] = ()
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    transits: Annotated[tuple[Transit, ...], Field(min_length=1)]
    links: tuple[TransitLink, ...] = ()
    ixps: tuple[Exchange, ...] = ()
    access: Annotated[tuple[Access, ...], Field(min_length=1)]
    public_resolvers: tuple[PublicResolver, ...] = ()
    global_l4: GlobalL4 | None = None
    zone: Zone
    divided_by: PositiveInt = 1
    """By how much a profile has divided the timers of DNS, checks and caches."""

    def region(self, name: str) -> Region:
        """Return the region of that name; `KeyError` if there is none."""
        return next((r for r in self.regions if r.name == name), None) or _absent(name)

    def hybrid(self, name: str) -> Hybrid:
        """Return the hybrid of that name; `KeyError` if there is none."""
        return {hybrid.name: hybrid for hybrid in self.hybrids}[name]

    def served(self, qname: str) -> ServedName:
        """Return the served name; `KeyError` if there is none."""
        return {name.name: name for name in self.zone.names}[qname]

    def timers_of(self, qname: str) -> Timers:
        """Return the timers as they are for one name, its own TTL among them."""
        ttl_s = self.served(qname).ttl_s
        if ttl_s is None:
            return self.timers
        return self.timers.model_copy(update={"ttl_s": ttl_s})

    def announce_of(self, name: str) -> Announce:
        """Return how a region is announced, its own depth among it."""
        region, announce = self.region(name), self.timers.announce
        own = {
            "depth": region.announce_depth or announce.depth,
            "on_checker_death": region.on_checker_death or announce.on_checker_death,
        }
        return announce.model_copy(update=own)

    def check_of(self, qname: str) -> Check:
        """Return how one name is checked, its own threshold among it."""
        own = getattr(self.served(qname), "threshold", None)
        check = self.timers.check
        return check if own is None else check.model_copy(update={"threshold": own})

    def ttl_s(self, name: str) -> int:
        """Return the published TTL of a served name; `KeyError` if there is none."""
        return self.timers_of(name).ttl_s

    @property
    def checked_names(self) -> tuple[Failover | Geo, ...]:
        """The served names whose answers depend on the regions' health."""
        return tuple(
            name
            for name in self.zone.names
            if isinstance(name, Failover) or (isinstance(name, Geo) and name.failover)
        )

    @property
    def shared_prefixes(self) -> tuple[Prefix, ...]:
        """Every prefix that more than one region may announce."""
        hybrids = (prefix for h in self.hybrids for prefix in h.announced)
        return (self.anycast.prefix, *hybrids)

    @property
    def resolvers(self) -> tuple[Resolver, ...]:
        """All resolvers: each access network's, then the public ones."""
        return (*(r for a in self.access for r in a.resolvers), *self.public_resolvers)


def _absent(name: str) -> Region:
    raise KeyError(name)

"""The topology file as frozen models: what exists, before anything is decided.

Shapes and single-value rules only; rules that relate two values (a region that
nobody declared, an address used twice) are in `lab.topology.rules`, and reading a
file with places for its errors is in `lab.topology.loading`.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, StringConstraints

from lab.topology.base import Model
from lab.topology.timers import Announce, Check, CheckerDeath, Depth, Timers

NAME_RULE = (
    "lower-case letters, digits and inner hyphens, first a letter, at most 32 in all"
)
#: The lab is IPv4 for now; nothing else of the model says so.
Address = IPv4Address
Prefix = IPv4Network

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]*[a-z0-9]$|^[a-z]$", max_length=32),
    Field(description=NAME_RULE),
]
#: Private or documentation AS numbers (RFC 6996, RFC 5398) fit in here.
Asn = Annotated[int, Field(ge=1, le=4_294_967_294)]
DOMAIN_NAME = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]+$"
DomainName = Annotated[
    str,
    StringConstraints(pattern=DOMAIN_NAME),
    Field(description="a domain name of two labels or more such as example.com"),
]
PARENT_ZONE = r"^(\.|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z]+)$"
ParentZone = Annotated[
    str,
    StringConstraints(pattern=PARENT_ZONE),
    Field(description='"." or a domain name such as com'),
]


#: gdnsd 3.8 refuses a weight from 2 to the power of 20 on (gdnsd-plugin-weighted(8)).
Weight = Annotated[int, Field(ge=1, le=1_000_000)]


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


class L4Kind(StrEnum):
    """How L4 nodes pass connections on to the L7 nodes."""

    PROXY = "proxy"  # they end them and begin their own
    PACKET = "packet"  # their kernels send each packet on; replies come past them


class L4Hash(StrEnum):
    """What decides at L4 which L7 node a connection goes to."""

    MAGLEV = "maglev"
    RING = "ring"
    MODULO = "modulo"  # of the number of nodes that live: no consistent hash


class Backend(Model):
    """One backend."""

    capacity_rps: PositiveInt
    """Requests a second that it serves."""
    beyond: Beyond = Beyond.REFUSE
    """What becomes of more than that."""
    weight: Annotated[int, Field(ge=1, le=128)] = 1
    """Its part of the requests, request by request, among the region's backends."""


class Location(Model):
    """Where something is on the globe, in degrees (WGS 84)."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class Region(Model):
    """A region: one edge router, L4 nodes, L7 nodes, backends."""

    name: Name
    asn: Asn
    transit: Name
    prefix: Prefix
    """Unicast prefix that the edge originates; its first address is the edge's."""
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
    backends: Annotated[tuple[Backend, ...], Field(min_length=1, max_length=16)]
    announce_depth: Depth | None = None
    """How far down its L4 nodes look, if not as `announce.depth` says."""
    on_checker_death: CheckerDeath | None = None
    """What their routes do without who looks, if not as `announce` says."""
    location: Location | None = None
    """Where its users' distance is counted from; `geo` names need it."""


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
    """How many /24 networks users live in, one after the other, from the first on."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The address of the users in each subnet: the same host part in all."""
        return tuple(self.address + 256 * k for k in range(self.subnets))


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


ServedName = Annotated[
    RoundRobin | Weighted | Geo | Failover | AnycastName, Field(discriminator="policy")
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
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    transits: Annotated[tuple[Transit, ...], Field(min_length=1)]
    links: tuple[TransitLink, ...] = ()
    access: Annotated[tuple[Access, ...], Field(min_length=1)]
    public_resolvers: tuple[PublicResolver, ...] = ()
    zone: Zone

    def region(self, name: str) -> Region:
        """Return the region of that name; `KeyError` if there is none."""
        return next((r for r in self.regions if r.name == name), None) or _absent(name)

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
            "depth": region.announce_depth,
            "on_checker_death": region.on_checker_death,
        }
        told = {key: value for key, value in own.items() if value is not None}
        return announce.model_copy(update=told)

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
    def resolvers(self) -> tuple[Resolver, ...]:
        """All resolvers: each access network's, then the public ones."""
        return (*(r for a in self.access for r in a.resolvers), *self.public_resolvers)


def _absent(name: str) -> Region:
    raise KeyError(name)

"""Distances on the globe, who is near whom, and where a question seems to come from.

Pure. The great circle decides which region is the nearest; the brands of provider that
count otherwise are in `METRICS`, and a rule sees to it that it makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import asin, cos, radians, sin, sqrt
from types import MappingProxyType
from typing import Final

from lab.topology.model import (
    Access,
    Geo,
    Location,
    Resolver,
    ResolverBehaviour,
    Topology,
    Transit,
)
from lab.topology.values import Address

EARTH_KM: Final = 6371.0
_TURN: Final = 360.0

Site = Access | Transit
#: From who asks to a region: how far it is, in any unit.
Metric = Callable[[Location, Location], float]


def kilometres(here: Location, there: Location) -> float:
    """Return the length of the great circle between two places (haversine formula)."""
    north = sin(radians(there.lat - here.lat) / 2) ** 2
    east = sin(radians(there.lon - here.lon) / 2) ** 2
    chord = north + cos(radians(here.lat)) * cos(radians(there.lat)) * east
    return 2 * EARTH_KM * asin(sqrt(min(1.0, chord)))


def degrees(here: Location, there: Location) -> float:
    """Return how many degrees PowerDNS takes two places to be apart, as on a flat map.

    Only towards the east does it know that the map's two edges are one.

    Source:
        `pickclosest` in pdns/lua-record.cc of PowerDNS Authoritative Server 4.9.
    """
    east = here.lon - there.lon
    if east > _TURN / 2:
        east = _TURN - east
    return sqrt((here.lat - there.lat) ** 2 + east**2)


#: What each brand of provider takes for distance.
METRICS: Mapping[str, Metric] = MappingProxyType(
    {"gdnsd": kilometres, "pdns": degrees},
)


def nearest_first(
    here: Location, places: Mapping[str, Location], metric: Metric = kilometres
) -> tuple[str, ...]:
    """Return the names of places, the nearest to `here` first."""
    return tuple(sorted(places, key=lambda name: metric(here, places[name])))


def preferred(topology: Topology, name: Geo, site: Site) -> tuple[str, ...]:
    """Return the regions of a `geo` name as a network prefers them, the nearest first.

    Raises:
        ValueError: The network or a region has no location.
    """
    places = {region: topology.region(region).location for region in name.regions}
    located = {region: place for region, place in places.items() if place}
    if site.location is None or len(located) < len(places):
        raise ValueError(f"{name.name} from {site.name}: somebody has no location")
    return nearest_first(site.location, located)


def site_of(topology: Topology, address: Address) -> Site:
    """Return the access network or transit of an address; `KeyError` if none has it."""
    sites: tuple[Site, ...] = (*topology.access, *topology.transits)
    for site in sites:
        if address in site.prefix:
            return site
    raise KeyError(str(address))


def seen_from(topology: Topology, resolver: Resolver, access: Access) -> Site | None:
    """Return the network that a question of an access network's users seems to be from.

    That of the resolver which asks the providers, unless that one tells the subnet
    (RFC 7871). None if it depends on the provider that happens to be asked.
    """
    if resolver.behaviour is ResolverBehaviour.FORWARDING:
        named = {r.name: r for r in topology.resolvers}
        return seen_from(topology, named[resolver.forwards_to or ""], access)
    own = site_of(topology, resolver.address)
    told = {p.name in resolver.ecs_to for p in topology.zone.providers}
    if resolver.behaviour is not ResolverBehaviour.ECS or own == access:
        return own
    return None if len(told) > 1 else access if True in told else own

"""Rules on the steered zone: its names, their regions, its delegation. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import MappingProxyType

from lab.topology.draft import Draft, anything, items, text
from lab.topology.finding import Finding, Path
from lab.topology.model import AllDown, Probe
from lab.topology.values import DOMAIN_NAME, PARENT_ZONE
from lab.topology.words import listing, meant, shown

#: Brands that can wait for several failures in a row. PowerDNS 4.9 cannot.
COUNTING = frozenset({"gdnsd"})
#: What is said of health checks, and what holds if nothing is said.
_OF_CHECKS = MappingProxyType(
    {"probe": Probe.DEEP, "all_down": AllDown.FAIL_OPEN},
)
#: Where regions are listed in an order.
_LISTS = ("zone.names.*.regions", "global_l4.regions")
#: The lab's own name servers have their names here.
_OWN_DOMAIN = "lab"
_LONGEST_LABEL, _LONGEST_NAME = 63, 253  # RFC 1035, section 2.3.4


def served_names_are_unique(draft: Draft) -> Iterator[Finding]:
    """Find a name served twice; providers have host names in the zone, too."""
    owners: dict[str, Path] = {}
    for pattern in ("zone.providers.*.name", "zone.names.*.name"):
        for path, name in draft.find(pattern, text):
            first = owners.setdefault(name, path)
            if first != path and "names" in path:
                yield Finding(
                    path=path,
                    what=f"{draft.subject(path)} is also the host name of "
                    f"{draft.subject(first)}"
                    if "providers" in first
                    else f"{draft.subject(path)} is served twice",
                    allowed="a name that nothing else in the zone has",
                )


def host_names_fit(draft: Draft) -> Iterator[Finding]:
    """Find a zone in which a name would be longer than DNS allows."""
    zone = draft.get(("zone", "name"), text) or ""
    names = draft.names("zone.names.*.name") | draft.names("zone.providers.*.name")
    longest = max(names, key=len, default="")
    too_long = max(map(len, zone.split("."))) > _LONGEST_LABEL
    if too_long or len(f"{longest}.{zone}") > _LONGEST_NAME:
        yield Finding(
            path=("zone", "name"),
            what=f"{draft.subject(('zone',))}: host names in it are too long",
            allowed=f"{_LONGEST_LABEL} characters for a label, {_LONGEST_NAME} for "
            "a whole name",
        )


def regions_exist(draft: Draft) -> Iterator[Finding]:
    """Find a name that leads to a region that is not there."""
    known = draft.names("regions.*.name")
    listed = [f for p in _LISTS for f in draft.find(f"{p}.*", text)]
    weights = draft.find("zone.names.*.weights.*", lambda _: "")
    for path, value in (*listed, *weights):
        weighted = path[-2] == "weights"
        region = str(path[-1]) if weighted else value
        if known and region not in known:
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: there is no region {shown(region)}"
                f"{meant(region, known)}",
                allowed=listing(known),
                at_key=weighted,
            )


def regions_stand_once(draft: Draft) -> Iterator[Finding]:
    """Find a region that stands twice in one name's list."""
    for path, regions in (f for p in _LISTS for f in draft.find(p, items)):
        for i, region in enumerate(regions):
            if region in regions[:i]:
                what = f"{draft.subject(path)}: region {shown(region)} stands twice"
                yield Finding(path=(*path, i), what=what, allowed="each region once")


def failing_over_needs_regions(draft: Draft) -> Iterator[Finding]:
    """Find a `geo` name told to fail over that has nowhere to go."""
    for path, regions in draft.find("zone.names.*.regions", items):
        if draft.get((*path[:-1], "failover"), anything) is True and len(regions) == 1:
            what = f"{draft.subject(path)}: one region cannot fail over"
            yield Finding(path=path, what=what, allowed="two regions or more")


def unchecked_names_say_nothing_of_checks(draft: Draft) -> Iterator[Finding]:
    """Find a `geo` name that says how to check health and does not fail over."""
    for path, policy in draft.find("zone.names.*.policy", text):
        name = path[:-1]
        fails_over = draft.get((*name, "failover"), anything) is True
        if policy != "geo" or fails_over:
            continue
        for key, default in _OF_CHECKS.items():
            if draft.get((*name, key), anything) not in (None, default):
                what = f"{draft.subject(name)}: {key} says nothing without failover"
                allowed = f'"failover: true" beside it, or no {key}'
                yield Finding(path=(*name, key), what=what, allowed=allowed)


def balancers_in_front_exist(draft: Draft) -> Iterator[Finding]:
    """Find a name that leads to a balancer in front of the regions, without one."""
    there_is = draft.get(("global_l4",), anything) is not None
    for path, policy in draft.find("zone.names.*.policy", text):
        if policy == "global-l4" and not there_is:
            what = (
                f"{draft.subject(path)}: there is no balancer in front of the regions"
            )
            yield Finding(path=path, what=what, allowed="a global_l4 in the topology")


def anycast_stands_beside_what_is_checked(draft: Draft) -> Iterator[Finding]:
    """Find a `geo` name that adds the anycast address and does not fail over."""
    for path, added in draft.find("zone.names.*.anycast", anything):
        if added is True and not draft.get((*path[:-1], "failover"), anything):
            what = f"{draft.subject(path)}: anycast is for names that fail over"
            allowed = '"failover: true" beside it, or policy: anycast'
            yield Finding(path=path, what=what, allowed=allowed)


def somebody_counts_failures(draft: Draft) -> Iterator[Finding]:
    """Find a name with a threshold of which no provider's brand makes anything."""
    brands = {daemon for _, daemon in draft.find("zone.providers.*.daemon", text)}
    for path, value in draft.find("zone.names.*.threshold", anything):
        if brands and not brands & COUNTING:
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: threshold {shown(value)} cannot be done "
                f"by {listing(brands)}, which decides at the first failure",
                allowed=f"a provider that is {listing(COUNTING)}, or no threshold",
            )


def delegation_leads_to_the_zone(draft: Draft) -> Iterator[Finding]:
    """Find a delegation that resolvers cannot walk down from the root."""
    zone = draft.get(("zone", "name"), _matching(DOMAIN_NAME))
    parents = list(draft.find("zone.parents.*.zone", _matching(PARENT_ZONE)))
    if not zone or not parents:
        return
    above = zone.partition(".")[2]
    if zone.rpartition(".")[2] == _OWN_DOMAIN:
        what = f'zone "{zone}" is in "{_OWN_DOMAIN}", where the lab\'s own servers are'
        allowed = "another top-level domain"
        yield Finding(path=("zone", "name"), what=what, allowed=allowed)
    for needed, role in ((".", "the root"), (above, f"the parent of {zone}")):
        if needed not in (served for _, served in parents):
            yield Finding(
                path=("zone", "parents"),
                what=f"zone {shown(zone)}: no parent server serves "
                f"{shown(needed)}, {role}",
                allowed=f'parent servers for "." and {shown(above)} at least',
            )
    yield from _useless_parents(draft, zone, parents)


def _useless_parents(
    draft: Draft, zone: str, parents: list[tuple[Path, str]]
) -> Iterator[Finding]:
    first: dict[str, Path] = {}
    for path, served in parents:
        subject = draft.subject(path)
        if served != "." and not zone.endswith(f".{served}"):
            what = f"{subject}: {shown(served)} is not above {shown(zone)}"
            allowed = "a zone that the steered zone is in"
            yield Finding(path=path, what=what, allowed=allowed)
        elif first.setdefault(served, path) != path:
            other = draft.subject(first[served])
            what = f"{subject}: {shown(served)} is also served by {other}"
            allowed = "one server for each parent zone"
            yield Finding(path=path, what=what, allowed=allowed)


def _matching(pattern: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not re.fullmatch(pattern, text(value)):
            raise ValueError(value)
        return text(value)

    return read

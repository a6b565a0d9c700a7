"""Rules on where L7 nodes route requests. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lab.topology.draft import Draft, items, text
from lab.topology.finding import Finding, Path
from lab.topology.words import listing, meant, shown

_ROUTES = "regions.*.l7_policy.routes"


def routes_lead_to_backends(draft: Draft) -> Iterator[Finding]:
    """Find routes to subsets that no backend of the region is in."""
    for path, wanted in draft.find(f"{_ROUTES}.*.to.*.subset", text):
        region = path[:2]
        there = {
            subset
            for number, _ in enumerate(draft.get((*region, "backends"), items) or ())
            if (subset := draft.get((*region, "backends", number, "subset"), text))
        }
        if wanted not in there:
            yield Finding(
                path=path,
                what=f"{draft.subject(region)}: no backend is in the subset "
                f"{shown(wanted)}{meant(wanted, there)}",
                allowed=listing(there) or "a backend's own subset; none has any",
            )


def subsets_stand_once_in_a_route(draft: Draft) -> Iterator[Finding]:
    """Find a subset that a route gives two parts."""
    seen: set[tuple[Path, str]] = set()
    for path, subset in draft.find(f"{_ROUTES}.*.to.*.subset", text):
        route = path[:-2]
        if (route, subset) in seen:
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: {shown(subset)} stands twice in a route",
                allowed="each subset once, with a weight",
            )
        seen.add((route, subset))


def every_route_can_fit(draft: Draft) -> Iterator[Finding]:
    """Find routes of which an earlier one takes every request."""
    for path, routes in draft.find(_ROUTES, items):
        earlier: list[tuple[str, object]] = []
        for number, route in enumerate(routes):
            if not isinstance(route, dict):
                continue
            prefix, header = route.get("path", "/"), route.get("header")
            if not isinstance(prefix, str):
                continue
            for before, (taken, needed) in enumerate(earlier, start=1):
                if prefix.startswith(taken) and needed in (None, header):
                    yield Finding(
                        path=(*path, number),
                        what=f"{draft.subject(path)}: route number {number + 1} fits "
                        f"nothing that route number {before} does not take",
                        allowed="the narrower route first",
                    )
                    break
            earlier.append((prefix, header))

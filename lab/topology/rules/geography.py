"""Rules on geographic steering: who needs a place on the globe, and where. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lab.topology.draft import Draft, anything, items, text
from lab.topology.finding import Finding, Path
from lab.topology.geography import METRICS, kilometres, nearest_first
from lab.topology.model import Location
from lab.topology.words import listing, shown

PLACE = "location: {lat: -90 to 90, lon: -180 to 180}"
#: Two regions that differ by less are equally far; no map is more exact.
_SAME_KM = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """A `geo` name as one network sees it, as far as locations are known.

    Attributes:
        name: Where the name stands.
        site: Where the network stands.
        here: Where on the globe the network is.
        places: Where the name's regions are.
        used: How many of them may be in an answer, the nearest first.
    """

    name: Path
    site: Path
    here: Location
    places: dict[str, Location]
    used: int


def everybody_has_a_place(draft: Draft) -> Iterator[Finding]:
    """Find regions and networks whose distance a `geo` name needs and nobody told."""
    for path, subject in _needed(draft).items():
        if draft.get((*path, "location"), anything) is None:
            what = f"{draft.subject(path)}: no location, which {subject} needs"
            yield Finding(path=path, what=what, allowed=PLACE)


def one_region_is_the_nearest(draft: Draft) -> Iterator[Finding]:
    """Find a network to which two regions of a `geo` name are equally near."""
    for view in _views(draft):
        order = nearest_first(view.here, view.places)[: view.used + 1]
        for near, far in pairwise(order):
            more = kilometres(view.here, view.places[far])
            if more - kilometres(view.here, view.places[near]) < _SAME_KM:
                yield Finding(
                    path=(*view.name, "regions"),
                    what=f"{draft.subject(view.name)}: {shown(near)} and {shown(far)} "
                    f"are equally far from {draft.subject(view.site)}",
                    allowed="locations of which one is nearer",
                )


def providers_agree_on_the_nearest(draft: Draft) -> Iterator[Finding]:
    """Find a network that a brand of provider, measuring otherwise, sends elsewhere."""
    brands = list(draft.find("zone.providers.*.daemon", text))
    for view in _views(draft):
        right = nearest_first(view.here, view.places)[: view.used]
        for provider, daemon in brands:
            metric = METRICS.get(daemon, kilometres)
            taken = nearest_first(view.here, view.places, metric)
            for wrong, true in zip(taken, right, strict=False):
                if wrong != true:
                    yield _disagreement(draft, view, provider, (wrong, true))
                    break


def _disagreement(
    draft: Draft, view: _View, provider: Path, regions: tuple[str, str]
) -> Finding:
    wrong, true = regions
    daemon = draft.get(provider, text)
    exact = listing(brand for brand, metric in METRICS.items() if metric is kilometres)
    return Finding(
        path=(*view.name, "regions"),
        what=f"{draft.subject(view.name)}: from {draft.subject(view.site)}, {daemon} "
        f"({draft.subject(provider)}) counts degrees on a flat map and takes "
        f"{shown(wrong)} for nearer than {shown(true)}",
        allowed="locations for which degrees and kilometres agree, or providers that "
        f"count kilometres: {exact}",
    )


def _geo_names(draft: Draft) -> Iterator[Path]:
    for path, policy in draft.find("zone.names.*.policy", text):
        if policy == "geo":
            yield path[:-1]


def _asking(draft: Draft) -> Iterator[Path]:
    """Yield every access network, and every transit with a public resolver."""
    for path, _ in draft.find("access.*.name", text):
        yield path[:-1]
    hosts = draft.names("public_resolvers.*.transit")
    for path, transit in draft.find("transits.*.name", text):
        if transit in hosts:
            yield path[:-1]


def _regions_of(draft: Draft, name: Path) -> dict[str, Path]:
    listed = draft.get((*name, "regions"), items) or []
    return {
        region: path[:-1]
        for path, region in draft.find("regions.*.name", text)
        if region in listed
    }


def _needed(draft: Draft) -> dict[Path, str]:
    """Return who needs a location, and the first name that needs it."""
    needed: dict[Path, str] = {}
    for name in _geo_names(draft):
        for path in (*_regions_of(draft, name).values(), *_asking(draft)):
            needed.setdefault(path, draft.subject(name))
    return needed


def _views(draft: Draft) -> Iterator[_View]:
    for name in _geo_names(draft):
        found = {
            region: draft.get((*path, "location"), Location.model_validate)
            for region, path in _regions_of(draft, name).items()
        }
        places = {region: place for region, place in found.items() if place}
        fails_over = draft.get((*name, "failover"), anything) is True
        used = len(places) if fails_over else min(1, len(places))
        for site in _asking(draft):
            if here := draft.get((*site, "location"), Location.model_validate):
                yield _View(name=name, site=site, here=here, places=places, used=used)

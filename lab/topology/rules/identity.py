"""Rules on what must be unique: AS numbers, names of nodes and of links. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType

from lab.topology.draft import Draft, items, text, whole
from lab.topology.finding import Finding, Path
from lab.topology.model import Region

_SITES = ("regions.*", "transits.*", "access.*")
_NODES = (
    *_SITES,
    "access.*.clients",
    "access.*.resolvers.*",
    "public_resolvers.*",
    "global_l4",
    "zone.providers.*",
    "zone.parents.*",
)


def as_numbers_are_unique(draft: Draft) -> Iterator[Finding]:
    """Find two networks with one AS number."""
    owners: dict[int, Path] = {}
    for pattern in _SITES:
        for path, asn in draft.find(f"{pattern}.asn", whole):
            first = owners.setdefault(asn, path)
            if first != path:
                what = f"{draft.subject(path)}: AS number {asn} is also that of "
                yield Finding(
                    path=path,
                    what=what + draft.subject(first),
                    allowed="a number that no other region, transit or access "
                    "network has",
                )


def node_names_are_unique(draft: Draft) -> Iterator[Finding]:
    """Find two nodes with one name; regions name a site and many nodes."""
    written = (path for p in _NODES for path, _ in draft.find(f"{p}.name", text))
    yield from _collisions(draft, written, dict(_generated_nodes(draft)))


def link_names_are_unique(draft: Draft) -> Iterator[Finding]:
    """Find a link with the name of another, or of one that the plan makes."""
    patterns = ("links.*.name", "ixps.*.name")
    written = (path for pattern in patterns for path, _ in draft.find(pattern, text))
    yield from _collisions(draft, written, dict(_generated_links(draft)))


def _collisions(
    draft: Draft, written: Iterable[Path], generated: dict[str, str]
) -> Iterator[Finding]:
    owners = dict(generated)
    for path in written:
        name = draft.get(path, text) or ""
        if name in owners:
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: the name is also that of {owners[name]}",
                allowed="a name that nothing else has",
            )
        else:
            owners[name] = draft.subject(path)


def _generated_nodes(draft: Draft) -> Iterator[tuple[str, str]]:
    for path, region in draft.find("regions.*.name", text):
        above = path[:-1]
        for edge in _of_each_edge(draft, above, f"{region}-edge"):
            yield edge, f'the edge router of region "{region}"'
        counts = {
            "l4": _count(draft, above, "l4"),
            "l7": _count(draft, above, "l7"),
            "be": len(draft.get((*above, "backends"), items) or ()),
        }
        for kind, count in counts.items():
            for i in range(count):
                yield f"{region}-{kind}-{i + 1}", f'a node of region "{region}"'


def _count(draft: Draft, region: Path, key: str) -> int:
    default: int = Region.model_fields[key].default
    return min(draft.get((*region, key), whole) or default, _MOST)


def _of_each_edge(draft: Draft, region: Path, name: str) -> Iterator[str]:
    """Yield what a name becomes for each edge: numbered, where there are several."""
    edges = _count(draft, region, "edges")
    yield from (f"{name}-{i + 1}" for i in range(edges)) if edges > 1 else (name,)


#: No valid count is larger; an absurd one must not make absurdly many names.
_MOST = 16


def _generated_links(draft: Draft) -> Iterator[tuple[str, str]]:
    for path, name in draft.find("regions.*.name", text):
        subject = draft.subject(path)
        yield f"{name}-fabric", f"the fabric of {subject}"
        for uplink in _of_each_edge(draft, path[:-1], f"{name}-uplink"):
            yield uplink, f"the uplink of {subject}"
    for pattern, endings in _ENDINGS.items():
        for path, name in draft.find(f"{pattern}.name", text):
            for ending in endings:
                yield f"{name}-{ending}", f"the {ending} of {draft.subject(path)}"


#: What links of sites are called.
_ENDINGS = MappingProxyType({"access.*": ("lan", "uplink"), "transits.*": ("lan",)})

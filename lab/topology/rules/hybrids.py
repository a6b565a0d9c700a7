"""Rules on hybrids: whose they are, and which names lead to them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lab.topology.draft import Draft, anything, text
from lab.topology.finding import Finding, Path
from lab.topology.hybrids import Technique
from lab.topology.words import listing, meant, shown


def hybrids_are_unique(draft: Draft) -> Iterator[Finding]:
    """Find two hybrids of one name."""
    first: dict[str, Path] = {}
    for path, name in draft.find("hybrids.*.name", text):
        if first.setdefault(name, path) != path:
            what = f"{draft.subject(path)} stands twice"
            yield Finding(path=path, what=what, allowed="each name once")


def primaries_exist(draft: Draft) -> Iterator[Finding]:
    """Find a hybrid that is meant for a region that is not there."""
    known = draft.names("regions.*.name")
    for path, region in draft.find("hybrids.*.primary", text):
        if known and region not in known:
            what = (
                f"{draft.subject(path)}: there is no region {shown(region)}"
                f"{meant(region, known)}"
            )
            yield Finding(path=path, what=what, allowed=listing(known))


def names_lead_to_hybrids(draft: Draft) -> Iterator[Finding]:
    """Find a served name that leads to a hybrid that is not there."""
    known = draft.names("hybrids.*.name")
    for path, hybrid in draft.find("zone.names.*.hybrid", text):
        if hybrid not in known:
            what = (
                f"{draft.subject(path)}: there is no hybrid {shown(hybrid)}"
                f"{meant(hybrid, known)}"
            )
            yield Finding(path=path, what=what, allowed=listing(known) or "none")


def only_paths_are_prepended(draft: Draft) -> Iterator[Finding]:
    """Find a number of prepended ASes that a technique makes nothing of."""
    idle = {str(t) for t in Technique} - {Technique.PREPENDING}
    for path, technique in draft.find("hybrids.*.technique", text):
        prepend = (*path[:-1], "prepend")
        if technique not in idle or draft.get(prepend, anything) is None:
            continue
        yield Finding(
            path=prepend,
            what=f"{draft.subject(path)}: prepend says nothing with {technique}",
            allowed=f"no prepend, or {Technique.PREPENDING}",
        )

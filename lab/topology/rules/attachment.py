"""Rules on what hangs on what: transits, links, resolvers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lab.topology.draft import Draft, anything, items, text
from lab.topology.finding import Finding, Path
from lab.topology.words import listing, meant, shown

_ATTACHED = (
    "regions.*",
    "access.*",
    "public_resolvers.*",
    "zone.providers.*",
    "zone.parents.*",
)


def transits_exist(draft: Draft) -> Iterator[Finding]:
    """Find what is attached to a transit that is not there."""
    known = draft.names("transits.*.name")
    for pattern in _ATTACHED:
        for path, transit in draft.find(f"{pattern}.transit", text):
            if known and transit not in known:
                yield Finding(
                    path=path,
                    what=f"{draft.subject(path)}: there is no transit "
                    f"{shown(transit)}{meant(transit, known)}",
                    allowed=listing(known),
                )


def links_join_two_transits(draft: Draft) -> Iterator[Finding]:
    """Find a link to nowhere, to itself, or between two that are joined already."""
    known = draft.names("transits.*.name")
    joined: dict[frozenset[str], Path] = {}
    for path, ends in _links(draft):
        subject, pair = draft.subject(path), frozenset(ends)
        nowhere = [i for i, end in enumerate(ends) if known and end not in known]
        for i in nowhere:
            what = f"{subject} leads to nowhere: there is no transit "
            yield Finding(
                path=(*path, i),
                what=what + shown(ends[i]) + meant(ends[i], known),
                allowed=listing(known),
            )
        if len(pair) == 1:
            what = f"{subject} joins transit {shown(ends[0])} to itself"
            yield Finding(path=path, what=what, allowed="two different transits")
        elif not nowhere and joined.setdefault(pair, path) != path:
            other = draft.subject(joined[pair])
            what = f"{subject} joins the same two transits as {other}"
            yield Finding(path=path, what=what, allowed="one link for each pair")


def transits_are_connected(draft: Draft) -> Iterator[Finding]:
    """Find transits that no chain of links leads to."""
    links = draft.get(("links",), anything) or []
    readable = list(_links(draft))
    unreadable = not isinstance(links, list) or len(readable) < len(links)
    if unreadable or any(links_join_two_transits(draft)):
        return  # whoever mends the links may mend this
    transits = list(draft.find("transits.*.name", text))
    reached = {name for _, name in transits[:1]}
    pairs = [set(ends) for _, ends in readable]
    while grown := [p for p in pairs if p & reached and not p <= reached]:
        reached |= grown[0]
    for path, name in transits:
        if name not in reached:
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: no links lead to "
                f"{draft.subject(transits[0][0])}",
                allowed="links that join all transits, directly or by way of others",
            )


def clients_have_a_resolver(draft: Draft) -> Iterator[Finding]:
    """Find clients who have nobody to ask."""
    if any(draft.find("public_resolvers.*.name", text)):
        return
    for path, _ in draft.find("access.*.name", text):
        if not draft.get((*path[:-1], "resolvers"), items):
            yield Finding(
                path=path[:-1],
                what=f"{draft.subject(path)}: its clients have no resolver",
                allowed="resolvers of its own, or public_resolvers",
            )


def _links(draft: Draft) -> Iterator[tuple[Path, tuple[str, str]]]:
    for path, between in draft.find("links.*.between", items):
        match between:
            case [str(one), str(other)]:
                yield path, (one, other)

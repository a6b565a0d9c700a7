"""Rules on what hangs on what: transits, links, resolvers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from lab.topology.draft import Draft, anything, items, text, whole
from lab.topology.finding import Finding, Path
from lab.topology.model import Region
from lab.topology.words import listing, meant, shown

_ATTACHED = (
    "regions.*",
    "access.*",
    "public_resolvers.*",
    "global_l4",
    "zone.providers.*",
    "zone.parents.*",
)


def transits_exist(draft: Draft) -> Iterator[Finding]:
    """Find what is attached to a transit that is not there."""
    known = draft.names("transits.*.name")
    named = ("regions.*.transits.*", *(f"{pattern}.transit" for pattern in _ATTACHED))
    for pattern in named:
        for path, transit in draft.find(pattern, text):
            if known and transit not in known:
                yield Finding(
                    path=path,
                    what=f"{draft.subject(path)}: there is no transit "
                    f"{shown(transit)}{meant(transit, known)}",
                    allowed=listing(known),
                )


def every_edge_has_a_transit(draft: Draft) -> Iterator[Finding]:
    """Find a region whose edges hang on nothing, or on more than is told apart."""
    default: int = Region.model_fields["edges"].default
    for named, _ in draft.find("regions.*.name", text):
        path, subject = named[:-1], draft.subject(named)
        one = draft.get((*path, "transit"), anything)
        each = draft.get((*path, "transits"), items)
        edges = draft.get((*path, "edges"), whole) or default
        if one is None and not each:
            yield Finding(
                path=path,
                what=f"{subject} has no transit",
                allowed="a transit for all its edges, or transits with one for each",
            )
        elif one is not None and each:
            yield Finding(
                path=(*path, "transits"),
                what=f"{subject} has both a transit and transits",
                allowed="one of them",
            )
        elif each and len(each) != edges:
            yield Finding(
                path=(*path, "transits"),
                what=f"{subject}: transits names {len(each)}, and edges is {edges}",
                allowed="one for each edge",
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


def exchanges_join_transits(draft: Draft) -> Iterator[Finding]:
    """Find a member that is none, or two that would be joined more than once."""
    known = draft.names("transits.*.name")
    joined = {frozenset(ends): path for path, ends in _links(draft)}
    for path, members in _exchanges(draft):
        subject = draft.subject(path)
        for i, member in enumerate(members):
            if known and member not in known:
                what = f"{subject}: there is no transit {shown(member)}"
                what += meant(member, known)
                yield Finding(path=(*path, i), what=what, allowed=listing(known))
            elif member in members[:i]:
                what = f"{subject}: transit {shown(member)} stands twice"
                yield Finding(path=(*path, i), what=what, allowed="each transit once")
        for pair in combinations(dict.fromkeys(members), 2):
            first = joined.setdefault(frozenset(pair), path)
            if first != path:
                one, other = map(shown, pair)
                yield Finding(
                    path=path,
                    what=f"{subject} joins {one} and {other}, as "
                    f"{draft.subject(first)} does",
                    allowed="one link or exchange for each pair",
                )


def transits_are_connected(draft: Draft) -> Iterator[Finding]:
    """Find transits from which, or to which, there is no way.

    A peer is told of its neighbour's own customers, and passes that on to those who
    buy the whole table of it: the ends of its links.
    """
    links = draft.get(("links",), anything) or []
    exchanges = draft.get(("ixps",), anything) or []
    readable, peering = list(_links(draft)), list(_exchanges(draft))
    unreadable = any(
        not isinstance(written, list) or len(read) < len(written)
        for written, read in ((links, readable), (exchanges, peering))
    )
    mended = (links_join_two_transits, exchanges_join_transits)
    if unreadable or any(found for rule in mended for found in rule(draft)):
        return  # whoever mends the links may mend this
    transits = list(draft.find("transits.*.name", text))
    reached = {
        name: _reached(name, [{*e} for _, e in readable], [{*m} for _, m in peering])
        for _, name in transits
    }
    for here, start in transits:
        apart = [
            (path, name)
            for path, name in transits
            if name not in reached[start] or start not in reached[name]
        ]
        for path, _ in apart:
            by = "links or peers" if peering else "links"
            how = "links, or exchanges for the last step," if peering else "links"
            yield Finding(
                path=path,
                what=f"{draft.subject(path)}: no {by} lead to {draft.subject(here)}",
                allowed=f"{how} that join all transits, directly or by way of others",
            )
        if apart:
            return


def _reached(
    start: str, links: list[set[str]], exchanges: list[set[str]]
) -> frozenset[str]:
    """Return the transits to which one's packets get."""
    reached = {start}
    while grown := [pair for pair in links if pair & reached and not pair <= reached]:
        reached |= grown[0]
    peers = (members for members in exchanges if members & reached)
    return frozenset(reached.union(*peers))


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


def _exchanges(draft: Draft) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for path, members in draft.find("ixps.*.members", items):
        if all(isinstance(member, str) for member in members):
            yield path, tuple(members)

"""Figures about what authorities saw, what nodes used, how long ways took. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lab.history import Event, EventKind
from lab.judge.round_trips import round_trips
from lab.judge.source import Source, exact, most_in_a_second
from lab.judge.timeline import NS, NoEvidence, Seen
from lab.scenario import figures as f

#: Shorter than this, one second's work would count for a busy server: seen is a gdnsd
#: that computes for most of a second when whom it checks has died.
_STRETCH_NS = 5 * NS
_BRINGING_BACK = frozenset({"undo", "restore"})

_Asked = f.Upstream | f.PeakResolvers | f.SubnetsTold | f.PrefixTold


def upstream(figure: f.Upstream, source: Source) -> Seen:
    queries = _queries(source, figure)
    return exact(float(sum(figure.provider in ("", e.node) for e in queries)))


def peak_resolvers(figure: f.PeakResolvers, source: Source) -> Seen:
    asked = sorted((e.at_ns, e.detail["resolver"]) for e in _queries(source, figure))
    return exact(float(most_in_a_second(asked)))


def subnets_told(figure: f.SubnetsTold, source: Source) -> Seen:
    told = {
        e.detail["subnet"]
        for e in _queries(source, figure)
        if figure.provider in ("", e.node)
    } - {""}
    return exact(float(len(told & set(figure.among) if figure.among else told)))


def prefix_told(figure: f.PrefixTold, source: Source) -> Seen:
    told = {e.detail["subnet"] for e in _queries(source, figure)} - {""}
    return exact(float(max((int(s.partition("/")[2]) for s in told), default=0)))


def foreign(figure: f.Foreign, source: Source) -> Seen:
    carried = list(source.of(EventKind.CARRIED))
    if not carried:
        raise NoEvidence("nothing was captured at the authorities")
    if any(not e.detail["dns"] for e in carried):
        raise NoEvidence("a capture at an authority holds no DNS at all")
    return exact(float(sum(e.detail["foreign"] for e in carried)))


def processor(figure: f.Processor, source: Source) -> Seen:
    shares = [
        (last.detail["cpu_s"][node] - first.detail["cpu_s"][node])
        / ((last.at_ns - first.at_ns) / NS)
        for first, last in _stretches(source)
        for node in figure.nodes
    ]
    if not shares:
        raise NoEvidence("nobody looked twice at the nodes' processor time")
    return exact(max(shares))


def _stretches(source: Source) -> list[tuple[Event, Event]]:
    """Return the looks at the load around each stretch of the story.

    Shorter ones are joined to the next; if all are, the longest counts. What is
    brought back starts anew, and that is not the story's.
    """
    parts: list[list[Event]] = [[]]
    for look in source.of(EventKind.LOAD):
        parts[-1].append(look)
        if look.detail.get("phase") in _BRINGING_BACK:
            parts.append([])
    whole = [(part[0], part[-1]) for part in parts if len(part) > 1]
    return [s for part in parts for s in _joined(part)] or sorted(whole, key=_ns)[-1:]


def _joined(looks: list[Event]) -> Iterator[tuple[Event, Event]]:
    first = looks[0] if looks else None
    for look in looks[1:]:
        if first and look.at_ns - first.at_ns >= _STRETCH_NS:
            yield first, look
            first = look


def _ns(stretch: tuple[Event, Event]) -> int:
    first, last = stretch
    return last.at_ns - first.at_ns


def passed_bytes(figure: f.PassedBytes, source: Source) -> Seen:
    looks = list(source.of(EventKind.LOAD))
    if len(looks) < 2 or "received_bytes" not in looks[0].detail:
        raise NoEvidence("nobody looked at what the nodes received")
    first, last = looks[0], looks[-1]
    made = sum(first.at_ns <= a.start_ns < last.at_ns for a in source.history.attempts)
    if not made:
        raise NoEvidence("nobody made an attempt")
    before, after = (look.detail["received_bytes"] for look in (first, last))
    return exact(sum(after[node] - before[node] for node in figure.nodes) / made)


def ways_off(_: f.WaysOff, source: Source) -> Seen:
    trips = round_trips(source.history)
    if not trips:
        raise NoEvidence("no round trip was measured")
    return exact(float(sum(not trip.as_declared for trip in trips)))


def _queries(source: Source, figure: _Asked) -> list[Event]:
    resolver = "" if isinstance(figure, f.PeakResolvers) else figure.resolver
    if not any(True for _ in source.of(EventKind.CARRIED)):
        raise NoEvidence("nothing was captured at the authorities")
    begin_ns, end_ns = source.during(figure.during)
    return [
        e
        for e in source.of(EventKind.UPSTREAM)
        if e.detail["name"] == figure.qname
        and resolver in ("", e.detail["resolver"])
        and begin_ns <= e.at_ns < end_ns
    ]


def verdicts(figure: f.Verdicts, source: Source) -> Seen:
    begin_ns, end_ns = source.during(figure.during)
    if not any(True for _ in source.of(EventKind.HEALTH)):
        raise NoEvidence("no provider told of any check")
    wanted = (figure.region, "down")
    sure = {
        event.node
        for event in source.of(EventKind.HEALTH)
        if begin_ns <= event.at_ns < end_ns
        and (event.detail["target"], event.detail["state"]) == wanted
    }
    return exact(float(len(sure)))

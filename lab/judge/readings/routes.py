"""Figures about the routes in kernels, and what followed from them. Pure."""

from __future__ import annotations

import math

from lab.history import Event, EventKind, Outcome
from lab.judge.source import Source, exact
from lab.judge.timeline import NS, NoEvidence, Seen
from lab.scenario import figures as f


def route_moved(figure: f.RouteMoved, source: Source) -> Seen:
    latest_ns, uncertainty_ns = source.silence_ns(figure.fault)
    moved_ns = _moved(source, figure, changes=figure.changes).at_ns
    return Seen(
        low=(moved_ns - latest_ns) / NS,
        high=(moved_ns - latest_ns + uncertainty_ns) / NS,
    )


def route_left(figure: f.RouteLeft, source: Source) -> Seen:
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    moved_ns = _moved(source, figure).at_ns
    return Seen(
        low=(moved_ns - fault_ns) / NS,
        high=(moved_ns - fault_ns + uncertainty_ns) / NS,
    )


def route_changes(figure: f.RouteChanges, source: Source) -> Seen:
    begin_ns, end_ns = source.during(figure.during)
    if not any(True for _ in source.of(EventKind.ROUTE)):
        raise NoEvidence("no router told of any route")
    return exact(
        float(
            sum(
                (event.node, event.detail["prefix"]) == (figure.router, figure.prefix)
                for event in source.of(EventKind.ROUTE)
                if begin_ns <= event.at_ns < end_ns
            )
        )
    )


def without_route(figure: f.WithoutRoute, source: Source) -> Seen:
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    begin_ns, (_, end_ns) = fault_ns - uncertainty_ns, source.during(figure.during)
    if not any(True for _ in source.of(EventKind.ROUTE)):
        raise NoEvidence("no router told of any route")
    gone_ns, since_ns = 0, None
    for event in source.of(EventKind.ROUTE):
        facts = (event.node, event.detail["prefix"])
        if facts != (figure.router, figure.prefix):
            continue
        if not begin_ns <= event.at_ns < end_ns:
            continue
        if event.detail["change"] == "removed":
            since_ns = event.at_ns
        elif since_ns is not None:
            gone_ns, since_ns = gone_ns + event.at_ns - since_ns, None
    if since_ns is not None:
        gone_ns += end_ns - since_ns
    return exact(gone_ns / NS)


def good_after_route(figure: f.GoodAfterRoute, source: Source) -> Seen:
    moved_ns = _moved(source, figure, changes=figure.changes).at_ns
    ends_ns = [
        a.end_ns
        for a in source.attempts(figure.cohorts, figure.during)
        if a.outcome is Outcome.OK and a.end_ns >= moved_ns
    ]
    if not ends_ns:
        raise NoEvidence("no attempt worked after the route had changed")
    return exact((min(ends_ns) - moved_ns) / NS)


def _moved(
    source: Source,
    figure: f.RouteMoved | f.RouteLeft | f.GoodAfterRoute,
    *,
    changes: int = 1,
) -> Event:
    """Return the change that is meant, or the last one where several came as one."""
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    undone = (e.at_ns for e in source.of(EventKind.RESTORE) if e.at_ns > fault_ns)
    end_ns = min(undone, default=math.inf)
    seen = [
        event
        for event in source.of(EventKind.ROUTE)
        if (event.node, event.detail["prefix"]) == (figure.router, figure.prefix)
        and fault_ns - uncertainty_ns <= event.at_ns < end_ns
    ]
    if not seen:
        raise NoEvidence(f"{figure.router} kept its route to {figure.prefix}")
    return seen[:changes][-1]

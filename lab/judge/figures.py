"""Figures, read off a history. Pure.

A figure is an interval wherever the evidence is not exact; missing evidence is
`NoEvidence`, never zero.
"""

from __future__ import annotations

from functools import singledispatch

from lab.judge.readings import authorities, bursts, routes, sessions, users
from lab.judge.source import Source
from lab.judge.timeline import NoEvidence, Seen
from lab.scenario import figures as f


@singledispatch
def read(figure: f.Figure, source: Source) -> Seen:
    """Return the figure.

    Raises:
        NoEvidence: The history does not hold what is needed.
    """
    raise TypeError(f"no way to read {figure!r}")


@read.register
def _over(figure: f.Over, source: Source) -> Seen:
    top, bottom = read(figure.top, source), read(figure.bottom, source)
    if bottom.low <= 0:
        raise NoEvidence("what is divided by is nothing")
    return Seen(low=top.low / bottom.high, high=top.high / bottom.low)


@read.register
def _greatest(figure: f.Greatest, source: Source) -> Seen:
    seen = [read(each, source) for each in figure.of]
    return Seen(low=max(s.low for s in seen), high=max(s.high for s in seen))


for _reading in (
    bursts.answer_share,
    bursts.answer_p,
    bursts.rotation,
    bursts.orders,
    bursts.answer_scope,
    bursts.unanswered,
    bursts.answer_time,
    bursts.answered_for,
    bursts.answered_with,
    bursts.left_after,
    bursts.changes,
    authorities.upstream,
    authorities.peak_resolvers,
    authorities.subnets_told,
    authorities.prefix_told,
    authorities.foreign,
    authorities.processor,
    authorities.passed_bytes,
    authorities.verdicts,
    authorities.ways_off,
    users.requests,
    users.failures,
    users.failed_share,
    users.failed_within,
    users.failures_at,
    users.served_share,
    users.served_p,
    users.served_spread,
    sessions.stays,
    sessions.fewest_met,
    sessions.flows_moved,
    sessions.reconnected,
    sessions.last_served,
    sessions.served_again,
    users.unanimity,
    users.greatest_part,
    users.decided,
    users.answered_at,
    users.tls_ended,
    users.undivided,
    users.oldest_answer,
    users.attempt_time,
    users.connect_time,
    users.last_failure,
    users.irrevocable,
    users.last_sent,
    users.peak_arrivals,
    users.peak_askers,
    users.outage,
    routes.route_moved,
    routes.route_left,
    routes.route_changes,
    routes.without_route,
    routes.good_after_route,
):
    read.register(_reading)

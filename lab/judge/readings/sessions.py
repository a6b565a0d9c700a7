"""Figures about who serves a client from one request to the next. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from lab.history import Attempt, Outcome
from lab.judge.source import Source, exact
from lab.judge.timeline import NS, NoEvidence, Seen
from lab.scenario import figures as f


def stays(figure: f.Stays, source: Source) -> Seen:
    kept = [
        _who(before, figure.by) == _who(after, figure.by)
        for visits in _visits(source, figure.cohorts, figure.during)
        for before, after in pairwise(visits)
        if figure.renewed in (None, _answer(before) != _answer(after))
    ]
    if not kept:
        raise NoEvidence(f"no client came back in {figure.during}")
    return exact(sum(kept) / len(kept))


def fewest_met(figure: f.FewestMet, source: Source) -> Seen:
    visits = _visits(source, figure.cohorts, figure.during)
    return exact(float(min(len({_who(a, figure.by) for a in v}) for v in visits)))


def flows_moved(figure: f.FlowsMoved, source: Source) -> Seen:
    """Of each flow the last reply before counts, and the last one after."""
    before, after = (
        {v[-1].client: _who(v[-1], "l7") for v in _visits(source, figure.cohorts, step)}
        for step in (figure.before, figure.after)
    )
    flows = {c for c in before.keys() & after if before[c] != figure.spared}
    if not flows:
        raise NoEvidence(f"no flow of {figure.before} came again in {figure.after}")
    return exact(sum(before[c] != after[c] for c in flows) / len(flows))


def reconnected(figure: f.Reconnected, source: Source) -> Seen:
    opened: dict[str, bool] = {}
    for attempt in source.attempts(figure.cohorts, figure.during):
        kept = attempt.answer is not None and attempt.answer.source == "connection"
        opened[attempt.client] = opened.get(attempt.client, False) or not kept
    return exact(sum(opened.values()) / len(opened))


def last_served(figure: f.LastServed, source: Source) -> Seen:
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    served = (
        attempt.start_ns
        for visits in _visits(source, figure.cohorts, figure.during)
        for attempt in visits
        if attempt.region == figure.region
    )
    last_ns = max(served, default=fault_ns)
    return Seen(
        low=max(0.0, (last_ns - fault_ns) / NS),
        high=max(0.0, (last_ns - fault_ns + uncertainty_ns) / NS),
    )


def served_again(figure: f.ServedAgain, source: Source) -> Seen:
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    served = [
        attempt.end_ns
        for visits in _visits(source, figure.cohorts, figure.during)
        for attempt in visits
        if attempt.backend == figure.backend
    ]
    if not served:
        raise NoEvidence(f"{figure.backend} served nobody in {figure.during}")
    after_ns = min(served) - fault_ns
    return Seen(low=after_ns / NS, high=(after_ns + uncertainty_ns) / NS)


def _visits(
    source: Source, cohorts: Iterable[str], during: str
) -> Iterable[list[Attempt]]:
    """Return the good attempts of each client, in order.

    Raises:
        NoEvidence: There is none.
    """
    by_client: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in source.attempts(cohorts, during):
        if attempt.outcome is Outcome.OK:
            by_client[attempt.client].append(attempt)
    if not by_client:
        raise NoEvidence(f"no attempt in {during} worked")
    return by_client.values()


def _who(attempt: Attempt, by: f.Server) -> str:
    """Return who served an attempt.

    Raises:
        NoEvidence: It does not tell.
    """
    who: str = getattr(attempt, by)
    if not who:
        raise NoEvidence(f"no reply told of its {by}")
    return who


def _answer(attempt: Attempt) -> int:
    return attempt.answer.received_ns if attempt.answer is not None else 0

"""Figures about the attempts of users. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from lab.history import Attempt, EventKind, Outcome
from lab.judge.readings.bursts import chi_square_p
from lab.judge.source import Source, exact
from lab.judge.timeline import NS, NoEvidence, Seen, percentile
from lab.scenario import figures as f

#: The same end of a cached answer's life shows up to this far apart in whole seconds.
_SAME_END_NS = 1_500_000_000


def requests(figure: f.Requests, source: Source) -> Seen:
    return exact(float(len(source.attempts(figure.cohorts, figure.during))))


def failed_share(figure: f.FailedShare, source: Source) -> Seen:
    attempts = source.attempts(figure.cohorts, figure.during)
    failed = sum(
        a.outcome is Outcome.FAIL and figure.error in ("", a.error) for a in attempts
    )
    unknown = sum(a.outcome is Outcome.INFO for a in attempts)
    total = len(attempts)
    return Seen(low=failed / total, high=(failed + unknown) / total)


def served_share(figure: f.ServedShare, source: Source) -> Seen:
    good = _good(source, figure.cohorts, figure.during)
    return exact(
        sum(_is_from(a, figure.region, figure.backend) for a in good) / len(good)
    )


def served_p(figure: f.ServedP, source: Source) -> Seen:
    first: dict[str, str] = {}
    for attempt in _good(source, figure.cohorts, figure.during):
        first.setdefault(attempt.client, attempt.region)
    return exact(chi_square_p(Counter(first.values()), dict(figure.shares)))


def served_spread(figure: f.ServedSpread, source: Source) -> Seen:
    begin_ns, end_ns = source.during(figure.during)
    size_ns = int(figure.window_s * NS)
    windows: dict[int, list[bool]] = defaultdict(list)
    for attempt in _good(source, figure.cohorts, figure.during):
        number = (attempt.start_ns - begin_ns) // size_ns
        if begin_ns + (number + 1) * size_ns <= end_ns:
            windows[number].append(_is_from(attempt, figure.region, figure.backend))
    if len(windows) < 2:
        raise NoEvidence(f"{figure.during} is too short for two windows")
    shares = [sum(hits) / len(hits) for hits in windows.values()]
    return exact(max(shares) - min(shares))


def unanimity(figure: f.Unanimity, source: Source) -> Seen:
    generations = _generations(source, figure)
    agreeing = sum(max(Counter(g).values()) for g in generations)
    return exact(agreeing / sum(len(g) for g in generations))


def greatest_part(figure: f.GreatestPart, source: Source) -> Seen:
    sizes = [len(g) for g in _generations(source, figure)]
    return exact(max(sizes) / sum(sizes))


def undivided(figure: f.Undivided, source: Source) -> Seen:
    used: dict[str, set[str]] = defaultdict(set)
    for attempt in source.attempts(figure.cohorts, figure.during):
        if attempt.tries:
            used[source.cohorts[attempt.cohort].resolver].add(attempt.tries[0].address)
    if not used:
        raise NoEvidence(f"no attempt in {figure.during} used an answer")
    return exact(sum(len(addresses) == 1 for addresses in used.values()) / len(used))


def _generations(
    source: Source, figure: f.Unanimity | f.GreatestPart
) -> list[list[str]]:
    """Return the addresses used of each answer that a resolver's cache held.

    Raises:
        NoEvidence: No attempt used any.
    """
    same: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for attempt in source.attempts(figure.cohorts, figure.during):
        if attempt.answer is None or not attempt.tries:
            continue
        cohort = source.cohorts[attempt.cohort]
        end_ns = attempt.answer.received_ns + attempt.answer.ttl_s * NS
        used = attempt.tries[0].address
        same[cohort.resolver, cohort.qname].append((end_ns, used))
    if not same:
        raise NoEvidence(f"no attempt in {figure.during} used an answer")
    return [g for uses in same.values() for g in _stays(uses)]


def _stays(uses: list[tuple[int, str]]) -> Iterator[list[str]]:
    """Yield the addresses used of each stay of an answer in a resolver's cache."""
    first_ns, current = -math.inf, list[str]()
    for end_ns, used in sorted(uses):
        if end_ns - first_ns > _SAME_END_NS:
            if current:
                yield current
            first_ns, current = end_ns, []
        current.append(used)
    yield current


def oldest_answer(figure: f.OldestAnswer, source: Source) -> Seen:
    ages = [
        (a.start_ns - a.answer.received_ns) / NS
        for a in source.attempts(figure.cohorts, figure.during)
        if a.answer is not None
    ]
    if not ages:
        raise NoEvidence(f"no attempt in {figure.during} used an answer")
    return exact(max(0.0, *ages))


def attempt_time(figure: f.AttemptTime, source: Source) -> Seen:
    times = sorted(
        (a.end_ns - a.start_ns) / NS
        for a in _good(source, figure.cohorts, figure.during)
        if not figure.rescued or len(a.tries) > 1
    )
    if not times:
        raise NoEvidence(f"no attempt in {figure.during} was rescued")
    return exact(percentile(times, figure.percent))


def connect_time(figure: f.ConnectTime, source: Source) -> Seen:
    times = sorted(
        t.connect_ms / 1000
        for a in _good(source, figure.cohorts, figure.during)
        for t in a.tries
        if t.connect_ms is not None
    )
    if not times:
        raise NoEvidence(f"no attempt in {figure.during} tells its connect time")
    return exact(percentile(times, figure.percent))


def last_failure(figure: f.LastFailure, source: Source) -> Seen:
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    attempts = source.attempts(figure.cohorts, figure.during)
    failed = [a.start_ns for a in attempts if a.outcome is Outcome.FAIL]
    unsure = [a.start_ns for a in attempts if a.outcome is not Outcome.OK]
    return Seen(
        low=max((max(failed, default=fault_ns) - fault_ns) / NS, 0.0),
        high=(max(unsure, default=fault_ns) - fault_ns + uncertainty_ns) / NS,
    )


def irrevocable(figure: f.Irrevocable, source: Source) -> Seen:
    fault_ns, _ = source.during(figure.during)
    decided: dict[str, int] = {}
    for event in source.of(EventKind.HEALTH):
        facts = (event.detail["target"], event.detail["state"])
        if facts == (figure.region, "down") and event.at_ns >= fault_ns:
            decided.setdefault(event.node, event.at_ns)
    if not decided:
        raise NoEvidence(f"no provider declared {figure.region} down")
    attempts = source.attempts(figure.cohorts, figure.during)
    failed = (a.start_ns for a in attempts if a.outcome is Outcome.FAIL)
    last_ns = max(decided.values())
    return exact(max(0.0, (max(failed, default=last_ns) - last_ns) / NS))


def peak_askers(figure: f.PeakAskers, source: Source) -> Seen:
    begin_ns, _ = source.during(figure.during)
    asked = sorted(
        {
            (a.answer.received_ns, a.client)
            for a in source.attempts(figure.cohorts, figure.during)
            if a.answer is not None and a.answer.received_ns >= begin_ns
        }
    )
    if not asked:
        raise NoEvidence(f"nobody asked a resolver in {figure.during}")
    if figure.first:
        asked = sorted({who: (at_ns, who) for at_ns, who in reversed(asked)}.values())
    most, first = 0, 0
    for last, (at_ns, _) in enumerate(asked):
        while at_ns - asked[first][0] >= NS:
            first += 1
        most = max(most, len({client for _, client in asked[first : last + 1]}))
    return exact(float(most))


def _good(source: Source, cohorts: Iterable[str], during: str) -> list[Attempt]:
    good = [a for a in source.attempts(cohorts, during) if a.outcome is Outcome.OK]
    if not good:
        raise NoEvidence(f"no attempt in {during} worked")
    return good


def _is_from(attempt: Attempt, region: str, backend: str) -> bool:
    return region in ("", attempt.region) and backend in ("", attempt.backend)

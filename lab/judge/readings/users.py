"""Figures about the attempts of users. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from lab.history import Attempt, EventKind, Outcome
from lab.judge.readings.bursts import chi_square_p
from lab.judge.source import Source, exact, most_in_a_second
from lab.judge.timeline import NS, NoEvidence, Seen, percentile
from lab.scenario import figures as f

#: The same end of a cached answer's life shows up to this far apart in whole seconds.
_SAME_END_NS = 1_500_000_000


def requests(figure: f.Requests, source: Source) -> Seen:
    return exact(float(len(source.attempts(figure.cohorts, figure.during))))


def failures(figure: f.Failures, source: Source) -> Seen:
    attempts = source.attempts(figure.cohorts, figure.during, since=figure.fault)
    failed = sum(a.outcome is Outcome.FAIL for a in attempts)
    unknown = sum(a.outcome is Outcome.INFO for a in attempts)
    return Seen(low=float(failed), high=float(failed + unknown))


def failed_share(figure: f.FailedShare, source: Source) -> Seen:
    attempts = source.attempts(figure.cohorts, figure.during)
    failed = sum(
        a.outcome is Outcome.FAIL and figure.error in ("", a.error) for a in attempts
    )
    unknown = sum(a.outcome is Outcome.INFO for a in attempts)
    total = len(attempts)
    return Seen(low=failed / total, high=(failed + unknown) / total)


def failed_within(figure: f.FailedWithin, source: Source) -> Seen:
    fault_ns, _ = source.fault_ns(figure.fault)
    end_ns = fault_ns + int(figure.within_s * NS)
    outcomes = [
        attempt.outcome
        for attempt in source.history.attempts
        if attempt.cohort in figure.cohorts and fault_ns <= attempt.start_ns < end_ns
    ]
    if not outcomes:
        raise NoEvidence(f"no attempt began in {figure.within_s:g} s of {figure.fault}")
    failed, unknown = outcomes.count(Outcome.FAIL), outcomes.count(Outcome.INFO)
    return Seen(low=failed / len(outcomes), high=(failed + unknown) / len(outcomes))


def failures_at(figure: f.FailuresAt, source: Source) -> Seen:
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    _, end_ns = source.during(figure.during)
    ended = [
        a
        for a in source.history.attempts
        if a.cohort in figure.cohorts and fault_ns - uncertainty_ns <= a.end_ns < end_ns
    ]
    failed = sum(a.outcome is Outcome.FAIL and a.l7 == figure.l7 for a in ended)
    unknown = sum(a.outcome is Outcome.INFO for a in ended)
    return Seen(low=failed, high=failed + unknown)


def served_share(figure: f.ServedShare, source: Source) -> Seen:
    good = _good(source, figure.cohorts, figure.during)
    return exact(
        sum(
            _is_from(a, figure.region, figure.backend) and figure.l7 in ("", a.l7)
            for a in good
        )
        / len(good)
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


def decided(figure: f.Decided, source: Source) -> Seen:
    good = _good(source, figure.cohorts, figure.during)
    return exact(sum(_decides(figure.by, attempt) for attempt in good) / len(good))


def _decides(layer: str, attempt: Attempt) -> bool:
    led = attempt.answer.source if attempt.answer is not None else ""
    match layer:
        case "dns":
            return led == "resolver"
        case "l4":
            return led != "connection"
    return bool(attempt.l7)


def tls_ended(figure: f.TlsEnded, source: Source) -> Seen:
    good = _good(source, figure.cohorts, figure.during)
    if not any(attempt.certified for attempt in good):
        raise NoEvidence(f"nobody was shown a certificate in {figure.during}")
    return exact(sum(a.certified in figure.nodes for a in good) / len(good))


def answered_at(figure: f.AnsweredAt, source: Source) -> Seen:
    """Of an attempt that tried several addresses the last one counts."""
    there = [
        attempt.outcome
        for attempt in source.attempts(figure.cohorts, figure.during)
        if attempt.tries and attempt.tries[-1].address == figure.address
    ]
    if not there:
        raise NoEvidence(f"nobody tried {figure.address} in {figure.during}")
    good, unknown = there.count(Outcome.OK), there.count(Outcome.INFO)
    return Seen(low=good / len(there), high=(good + unknown) / len(there))


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
    return exact(float(most_in_a_second(asked)))


def peak_arrivals(figure: f.PeakArrivals, source: Source) -> Seen:
    fault_ns, _ = source.fault_ns(figure.fault)
    first: dict[str, int] = {}
    for attempt in source.history.attempts:
        theirs = attempt.cohort in figure.cohorts and attempt.start_ns >= fault_ns
        if theirs and any(t.address == figure.address for t in attempt.tries):
            at_ns = first.get(attempt.client, attempt.start_ns)
            first[attempt.client] = min(at_ns, attempt.start_ns)
    if not first:
        raise NoEvidence(f"nobody came to {figure.address} after {figure.fault}")
    arrived = sorted((at_ns, client) for client, at_ns in first.items())
    return exact(float(most_in_a_second(arrived)))


def last_sent(figure: f.LastSent, source: Source) -> Seen:
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    sent = [
        a.start_ns
        for a in source.attempts(figure.cohorts, figure.during)
        if any(t.address == figure.address for t in a.tries)
    ]
    last_ns = max(sent, default=fault_ns)
    return Seen(
        low=max((last_ns - fault_ns) / NS, 0.0),
        high=max((last_ns - fault_ns + uncertainty_ns) / NS, 0.0),
    )


def outage(figure: f.Outage, source: Source) -> Seen:
    if not source.outage_s:
        raise NoEvidence("nothing died, or nobody watched who recovers")
    lost_s = [source.outage_s[name] for name in figure.cohorts]
    total_s = sum(
        seconds
        for causes in lost_s
        for cause, seconds in causes.items()
        if figure.cause in ("", cause)
    )
    return exact(total_s / len(lost_s))


def _good(source: Source, cohorts: Iterable[str], during: str) -> list[Attempt]:
    good = [a for a in source.attempts(cohorts, during) if a.outcome is Outcome.OK]
    if not good:
        raise NoEvidence(f"no attempt in {during} worked")
    return good


def _is_from(attempt: Attempt, region: str, backend: str) -> bool:
    return region in ("", attempt.region) and backend in ("", attempt.backend)

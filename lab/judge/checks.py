"""One expectation against what was seen: true, false, or unknown.

Pure. What was seen is an interval wherever the evidence is not exact (the fault has
an uncertainty, an attempt is missing); an expectation holds if the interval lies
inside the bound, fails if it lies outside, and is unknown if it straddles an edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import singledispatch

from lab.history import Event, EventKind, Outcome
from lab.judge.causes import is_down
from lab.judge.evidence import Evidence
from lab.judge.figures import read
from lab.judge.model import ExpectationResult
from lab.judge.timeline import (
    NS,
    ClientRecord,
    CohortRecord,
    NoEvidence,
    Seen,
    percentile,
)
from lab.scenario.model import (
    CacheOnPath,
    CauseAtMost,
    DetectedWithin,
    Expectation,
    FailsOnlyWithin,
    Measures,
    NoFailures,
    RecoversWithin,
    RecoveryRatio,
    RescuedByRetry,
    SlowestRecoversWithin,
)


@singledispatch
def check(expected: Expectation, seen: Evidence) -> ExpectationResult:
    """Return the result of one expectation.

    Raises:
        NoEvidence: The history does not hold what is needed to tell.
    """
    raise TypeError(f"no way to check {expected!r}")


@check.register
def _measures(expected: Measures, seen: Evidence) -> ExpectationResult:
    value = read(expected.figure, seen.source)
    low = -math.inf if expected.low is None else expected.low
    high = math.inf if expected.high is None else expected.high
    ok = value.inside(low, high)
    if ok is None:
        raise NoEvidence(_straddles(value, low, high))
    return _result(
        expected.text,
        expected.low,
        value.low,
        expected.high,
        ok=ok,
        why=expected.why,
    )


@check.register
def _recovers(expected: RecoversWithin, seen: Evidence) -> ExpectationResult:
    record = seen.aged_cohort(expected.cohort)
    values = [Seen(low=c.low_s, high=c.high_s) for c in record.clients]
    return _all_inside(expected, values, _doubts([record]))


@check.register
def _slowest(expected: SlowestRecoversWithin, seen: Evidence) -> ExpectationResult:
    records = [seen.aged_cohort(name) for name in expected.cohorts]
    clients = _clients(records)
    slowest = Seen(
        low=max(c.low_s for c in clients), high=max(c.high_s for c in clients)
    )
    return _all_inside(expected, [slowest], _doubts(records))


@check.register
def _fails_only(expected: FailsOnlyWithin, seen: Evidence) -> ExpectationResult:
    record, judged = seen.aged_cohort(expected.cohort), seen.window
    doubts = _doubts([record])
    starts_s = sorted(judged.seconds(a.start_ns) for a in record.failed)
    if len(starts_s) >= expected.at_least:
        spread_s = judged.uncertainty_ns / NS
        values = [Seen(low=s, high=s + spread_s) for s in starts_s]
        return _all_inside(expected, values, doubts, nothing="no attempt was lost")
    if doubts:
        raise NoEvidence(doubts)
    low, high = expected.bound.low_s, expected.bound.high_s
    why = f"{expected.bound.why}; only {len(starts_s)} attempts were lost"
    return _result(expected.text, low, float(len(starts_s)), high, ok=False, why=why)


@check.register
def _no_failures(expected: NoFailures, seen: Evidence) -> ExpectationResult:
    record = seen.cohort(expected.cohort)
    failed, doubts = len(record.failed), _doubts([record])
    if doubts and not failed:
        raise NoEvidence(doubts)
    return _result(
        expected.text, 0.0, float(failed), 0.0, ok=not failed, why=expected.why
    )


@check.register
def _rescued(expected: RescuedByRetry, seen: Evidence) -> ExpectationResult:
    records = [seen.cohort(name) for name in expected.cohorts]
    rescued = sum(
        attempt.outcome is Outcome.OK and len(attempt.tries) > 1
        for client in _clients(records)
        for attempt in client.attempts
        if attempt.start_ns >= seen.window.death_ns
    )
    doubts = _doubts(records)
    if doubts and not rescued:
        raise NoEvidence(doubts)
    return _result(
        expected.text, 1.0, float(rescued), None, ok=rescued > 0, why=expected.why
    )


@check.register
def _ratio(expected: RecoveryRatio, seen: Evidence) -> ExpectationResult:
    slow, fast = seen.aged_cohort(expected.slow), seen.aged_cohort(expected.fast)
    resolution_s = fast.cohort.interval_ms / 1000
    over, under = _median(slow), _median(fast)
    value = Seen(
        low=over.low / max(under.high, resolution_s),
        high=over.high / max(under.low, resolution_s),
    )
    ok = value.inside(expected.low, expected.high)
    doubts = _doubts([slow, fast])
    if ok is None or (ok and doubts):
        raise NoEvidence(doubts or _straddles(value, expected.low, expected.high))
    return _result(
        expected.text, expected.low, value.low, expected.high, ok=ok, why=expected.why
    )


@check.register
def _detected(expected: DetectedWithin, seen: Evidence) -> ExpectationResult:
    judged = seen.window
    verdicts = [
        event
        for event in seen.source.history.events
        if event.node == expected.provider
        and is_down(event, expected.region)
        and event.at_ns >= judged.fault_ns - judged.uncertainty_ns
    ]
    if not verdicts:
        raise NoEvidence(f"no health verdict of {expected.provider} was seen")
    low_s = judged.seconds(verdicts[0].at_ns - verdicts[0].uncertainty_ns)
    high_s = judged.seconds(verdicts[0].at_ns + judged.uncertainty_ns)
    return _all_inside(expected, [Seen(low=max(0.0, low_s), high=high_s)], "")


@check.register
def _cached(expected: CacheOnPath, seen: Evidence) -> ExpectationResult:
    proof = _proof(expected, seen)
    elapsed_s = float(proof.detail["elapsed_s"])
    if elapsed_s < 1:
        raise NoEvidence(f"{elapsed_s:g} s are too short to see a TTL count down")
    fell = float(proof.detail["ttl_before"] - proof.detail["ttl_after"])
    asked = int(proof.detail["authority_queries"])
    low, high = max(1.0, elapsed_s - 1), elapsed_s + 1
    ok = low <= fell <= high and asked == 0
    why = f"{expected.why}; in {elapsed_s:.2f} s it fell by {fell:g}, {asked} asked"
    return _result(expected.text, low, fell, high, ok=ok, why=why)


@check.register
def _cause_share(expected: CauseAtMost, seen: Evidence) -> ExpectationResult:
    unknown = sum(record.unknown for record in seen.records.values())
    failed = seen.failed_by_cause.total()
    of_it = seen.failed_by_cause[expected.cause]
    value = Seen(
        low=of_it / max(failed + unknown, 1),
        high=(of_it + unknown) / max(failed + unknown, 1),
    )
    ok = value.inside(0.0, expected.share)
    if ok is None:
        raise NoEvidence(f"{unknown} attempts have no known outcome, {failed} failed")
    why = f"{expected.why}; {of_it} of {failed}"
    return _result(expected.text, 0.0, value.low, expected.share, ok=ok, why=why)


_Bounded = RecoversWithin | SlowestRecoversWithin | FailsOnlyWithin | DetectedWithin


def _all_inside(
    expected: _Bounded, values: Sequence[Seen], doubts: str, *, nothing: str = ""
) -> ExpectationResult:
    """Return the result of a bound that each value has to keep."""
    bound = expected.bound
    verdicts = [(value.inside(bound.low_s, bound.high_s), value) for value in values]
    outside = [value for ok, value in verdicts if ok is False]
    unsure = [value for ok, value in verdicts if ok is None]
    if not outside and (doubts or unsure):
        raise NoEvidence(doubts or _straddles(unsure[0], bound.low_s, bound.high_s))
    told = outside or list(values)
    why = f"{bound.why}; {_span(told) if told else nothing}"
    measured = max((value.low for value in told), default=None)
    return _result(
        expected.text, bound.low_s, measured, bound.high_s, ok=not outside, why=why
    )


def _span(values: Sequence[Seen]) -> str:
    first, last = min(v.low for v in values), max(v.low for v in values)
    text = f"seen {first:.2f} to {last:.2f} s"
    return f"{text}, not over then" if math.isinf(values[-1].high) else text


def _straddles(value: Seen, low: float, high: float) -> str:
    edge = "not over when observation ended"
    if not math.isinf(value.high):
        edge = f"lies between {value.low:.3f} and {value.high:.3f}"
    return f"{edge}, and {low:g} to {high:g} is allowed"


def _doubts(records: Sequence[CohortRecord]) -> str:
    unknown = sum(record.unknown for record in records)
    absent = sum(record.absent for record in records)
    parts = []
    if absent:
        parts.append(f"{absent} clients made no attempt")
    if unknown:
        parts.append(f"{unknown} attempts are missing or have no known outcome")
    return "; ".join(parts)


def _clients(records: Sequence[CohortRecord]) -> list[ClientRecord]:
    return [client for record in records for client in record.clients]


def _median(record: CohortRecord) -> Seen:
    return Seen(
        low=percentile(sorted(c.low_s for c in record.clients), 50),
        high=percentile(sorted(c.high_s for c in record.clients), 50),
    )


def _proof(expected: CacheOnPath, seen: Evidence) -> Event:
    for event in seen.source.history.events:
        if (
            event.kind is EventKind.CACHE_PROOF
            and event.detail.get("resolver") == expected.resolver
            and event.detail.get("name") == expected.qname
            and event.at_ns <= seen.window.fault_ns
        ):
            return event
    raise NoEvidence(f"nothing was asked of {expected.resolver} before the fault")


def _result(
    text: str,
    low: float | None,
    measured: float | None,
    high: float | None,
    *,
    ok: bool,
    why: str,
) -> ExpectationResult:
    return ExpectationResult(
        text=text, low=low, measured=measured, high=high, ok=ok, why=why
    )

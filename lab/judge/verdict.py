"""A whole run, judged.

Pure. A check that crashes, and a history that does not hold what a check needs, make
its expectation unknown; nothing makes it green but evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from lab.history import EventKind, History, Outcome
from lab.judge.causes import Attribution, attribution, failed_by_cause, outage_s
from lab.judge.checks import check
from lab.judge.evidence import Evidence
from lab.judge.model import CohortResult, ExpectationResult, Status, Verdict
from lab.judge.source import Source
from lab.judge.timeline import (
    NS,
    CohortRecord,
    NoEvidence,
    Window,
    age_problem,
    observed_fault,
    percentile,
    records,
    recovery_figures,
    unrecovered,
    window,
)
from lab.scenario.model import (
    Cause,
    Cohort,
    DetectedWithin,
    Expectation,
    FailsOnlyWithin,
    Measures,
    RecoversWithin,
    RecoveryRatio,
    Scenario,
    SlowestRecoversWithin,
)
from lab.topology.model import Topology

V = TypeVar("V", int, float)


def judge(topology: Topology, scenario: Scenario, history: History) -> Verdict:
    """Return the verdict on a run.

    Args:
        topology: The one in force, profile and settings applied.
        scenario: The one that was carried out.
        history: All that was seen, in order.
    """
    try:
        return _judged(topology, scenario, history)
    except NoEvidence as missing:
        reason = str(missing)
    except Exception as crash:  # a broken judge must not look like a good run
        reason = f"judging itself broke: {crash!r}"
    return Verdict(
        status=Status.UNKNOWN,
        fault_at_ns=None,
        fault_uncertainty_ns=None,
        cohorts=tuple(_nothing_seen(cohort) for cohort in scenario.watch),
        expectations=tuple(_unknown(e, reason) for e in scenario.expectations),
        notes=(reason,),
    )


def _judged(topology: Topology, scenario: Scenario, history: History) -> Verdict:
    source = Source(history=history, cohorts={c.name: c for c in scenario.watch})
    fault = observed_fault(scenario)
    if fault is None:
        return _judged_whole(scenario, source)
    judged = window(scenario, history)
    seen = records(scenario.watch, history, judged)
    known = attribution(topology, fault, history, judged, scenario.watch)
    counts = {name: failed_by_cause(known, record) for name, record in seen.items()}
    evidence = Evidence(
        source=replace(
            source, outage_s={name: outage_s(known, r) for name, r in seen.items()}
        ),
        judged=judged,
        records=seen,
        failed_by_cause=sum(counts.values(), Counter[Cause]()),
        age_problem=age_problem(topology, scenario, history, judged),
    )
    results = tuple(_checked(e, evidence) for e in scenario.expectations)
    return Verdict(
        status=status(results),
        fault_at_ns=judged.fault_ns,
        fault_uncertainty_ns=judged.uncertainty_ns,
        cohorts=tuple(
            _cohort_result(record, judged, known, counts[name])
            for name, record in seen.items()
        ),
        expectations=results,
        notes=_notes(history),
    )


def _judged_whole(scenario: Scenario, source: Source) -> Verdict:
    """Judge a story in which nothing dies, or nobody watches who recovers."""
    evidence = Evidence(
        source=source,
        judged=None,
        records={},
        failed_by_cause=Counter(),
        age_problem="",
    )
    results = tuple(_checked(e, evidence) for e in scenario.expectations)
    return Verdict(
        status=status(results),
        fault_at_ns=None,
        fault_uncertainty_ns=None,
        cohorts=tuple(_unhurt(cohort, source.history) for cohort in scenario.watch),
        expectations=results,
        notes=_notes(source.history),
    )


def status(results: Sequence[ExpectationResult]) -> Status:
    """Return the worst: failed, then unknown; no expectation at all is unknown."""
    verdicts = {result.ok for result in results}
    if False in verdicts:
        return Status.FAILED
    return Status.OK if verdicts == {True} else Status.UNKNOWN


def _checked(expected: Expectation, evidence: Evidence) -> ExpectationResult:
    result = _result(expected, evidence)
    if isinstance(expected, Measures):
        return replace(result, section=expected.section)
    return result


def _result(expected: Expectation, evidence: Evidence) -> ExpectationResult:
    try:
        return check(expected, evidence)
    except NoEvidence as reason:
        return _unknown(expected, str(reason))
    except Exception as crash:  # a broken check must not look like a good run
        return _unknown(expected, f"the check itself broke: {crash!r}")


def _unknown(expected: Expectation, reason: str) -> ExpectationResult:
    low, high = _limits(expected)
    return ExpectationResult(
        text=expected.text, low=low, measured=None, high=high, ok=None, why=reason
    )


def _limits(expected: Expectation) -> tuple[float | None, float | None]:
    match expected:
        case (
            RecoversWithin(bound=bound)
            | SlowestRecoversWithin(bound=bound)
            | FailsOnlyWithin(bound=bound)
            | DetectedWithin(bound=bound)
        ):
            return bound.low_s, bound.high_s
        case RecoveryRatio() | Measures():
            return expected.low, expected.high
        case _:
            return None, None


def _cohort_result(
    record: CohortRecord, judged: Window, known: Attribution, counts: Counter[Cause]
) -> CohortResult:
    starts_s = sorted(judged.seconds(a.start_ns) for a in record.failed)
    cohort = record.cohort
    return CohortResult(
        cohort=cohort.name,
        qname=cohort.qname,
        resolver=cohort.resolver,
        access=cohort.access,
        behaviour=cohort.behaviour,
        clients=cohort.clients,
        attempts=sum(len(client.attempts) for client in record.clients),
        failed=len(starts_s),
        unrecovered=unrecovered(record) + record.absent,
        recovery_s=recovery_figures(record),
        first_fail_s=starts_s[0] if starts_s else None,
        last_fail_s=starts_s[-1] if starts_s else None,
        causes=_by_name(outage_s(known, record)),
        failed_by_cause=_by_name(counts),
        resolution_s=cohort.interval_ms / 1000,
    )


def _unhurt(cohort: Cohort, history: History) -> CohortResult:
    attempts = [a for a in history.attempts if a.cohort == cohort.name]
    failed = sum(a.outcome is Outcome.FAIL for a in attempts)
    return replace(
        _nothing_seen(cohort), attempts=len(attempts), failed=failed, unrecovered=0
    )


def _nothing_seen(cohort: Cohort) -> CohortResult:
    return CohortResult(
        cohort=cohort.name,
        qname=cohort.qname,
        resolver=cohort.resolver,
        access=cohort.access,
        behaviour=cohort.behaviour,
        clients=cohort.clients,
        attempts=0,
        failed=0,
        unrecovered=cohort.clients,
        recovery_s=None,
        first_fail_s=None,
        last_fail_s=None,
        causes={},
        failed_by_cause={},
        resolution_s=cohort.interval_ms / 1000,
    )


def _by_name(values: Mapping[Cause, V]) -> dict[str, V]:
    return {cause.value: values[cause] for cause in Cause if cause in values}


def _notes(history: History) -> tuple[str, ...]:
    died = [event for event in history.events if event.kind is EventKind.DIED]
    notes = [
        f"{event.detail.get('process', 'something')} on {event.node} died by itself"
        for event in died
    ]
    if history.attempts:
        lags = sorted(a.start_ns - a.due_ns for a in history.attempts)
        lag_ms = percentile(lags, 99) / NS * 1000
        notes.append(f"99 of 100 attempts began less than {lag_ms:.1f} ms late")
    return tuple(notes)

"""`result.json`: what a run came to, for programs. Pure.

Its JSON Schema is published by `lab schema result`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from lab.history import History
from lab.judge.model import Status, Verdict
from lab.judge.round_trips import round_trips
from lab.judge.timeline import percentile
from lab.scenario.model import Behaviour, Fault, Scenario

_NS = 1e9


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FaultFacts(_Part):
    """What died, and when: seconds from the start of the run."""

    kind: str
    target: str
    at_s: float | None
    uncertainty_s: float | None


class RecoveryFacts(_Part):
    """Seconds from the fault over the clients of a cohort."""

    p50: float
    p95: float
    max: float


class CohortFacts(_Part):
    """What one cohort saw; `causes` are mean seconds of outage per client."""

    name: str
    qname: str
    access: str
    resolver: str
    behaviour: Behaviour
    clients: int
    recovery_s: RecoveryFacts | None
    resolution_s: float
    unrecovered: int
    failed: int
    attempts: int
    causes: dict[str, float]
    failed_by_cause: dict[str, int]


class RoundTripFacts(_Part):
    """A way's round trip at the start of the run; `rtt_ms` null: no reply.

    `declared_ms` is the least and the greatest, where routers may choose.
    """

    here: str
    there: str
    declared_ms: tuple[float, float]
    rtt_ms: float | None


class ExpectationFacts(_Part):
    """One expectation; `ok` null is unknown. A figure stands in a section."""

    section: str = ""
    text: str
    low: float | None
    measured: float | None
    high: float | None
    ok: bool | None
    why: str


class Result(_Part):
    """A whole run.

    `state` is `running` until the history is complete, `observed` until it is judged.
    `interrupted` and `broken` runs keep the history they had, which can be judged, and
    a note on what ended them.
    """

    version: Literal[1] = 1
    state: Literal["running", "observed", "judged", "interrupted", "broken"]
    scenario: str
    title: str
    questions: tuple[str, ...]
    knobs: dict[str, str]
    topology: str
    profile: str
    versions: dict[str, str]
    started_at: str
    wall_clock_at_start_ns: int
    fault: FaultFacts | None
    verdict: Status | None = None
    scheduling_lag_p99_ms: float | None = None
    attempts_per_s: float | None = None
    round_trips: tuple[RoundTripFacts, ...] = ()
    cohorts: tuple[CohortFacts, ...] = ()
    expectations: tuple[ExpectationFacts, ...] = ()
    notes: tuple[str, ...] = ()


def unjudged(text: str) -> Result:
    """Return what a stored `result.json` says besides what judging says anew.

    Raises:
        ValueError: It is no such thing.
    """
    derived = {
        "verdict": None,
        "round_trips": (),
        "cohorts": (),
        "expectations": (),
    }
    return Result.model_validate(json.loads(text) | derived)


def ended_early(before: Result, error: BaseException) -> Result:
    """Return the result of a run that a person, or a fault of the harness, ended."""
    state = "interrupted" if isinstance(error, KeyboardInterrupt) else "broken"
    said = str(error).split("\n")[0]
    note = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return before.model_copy(update={"state": state, "notes": (note,)})


def judged(before: Result, history: History, verdict: Verdict) -> Result:
    """Return the result of a judged run; one that ended early goes on to say so."""
    early = before.state in ("interrupted", "broken")
    notes = tuple(dict.fromkeys([*(before.notes if early else ()), *verdict.notes]))
    return before.model_copy(
        update={
            "state": before.state if early else "judged",
            "verdict": verdict.status,
            "fault": _fault_facts(before, verdict),
            "scheduling_lag_p99_ms": scheduling_lag_p99_ms(history),
            "attempts_per_s": attempts_per_s(history),
            "round_trips": tuple(
                RoundTripFacts(**asdict(t)) for t in round_trips(history)
            ),
            "cohorts": tuple(_cohort(asdict(c)) for c in verdict.cohorts),
            "expectations": tuple(
                ExpectationFacts(**asdict(e)) for e in verdict.expectations
            ),
            "notes": notes,
        }
    )


def planned_fault(scenario: Scenario) -> FaultFacts | None:
    """Return what a scenario lets die, before anybody knows when."""
    fault = next((s for s in scenario.steps if isinstance(s, Fault)), None)
    if fault is None:
        return None
    return FaultFacts(
        kind=fault.kind.value, target=fault.target, at_s=None, uncertainty_s=None
    )


def scheduling_lag_p99_ms(history: History) -> float | None:
    """Return the 99th percentile of start - due over all attempts."""
    lags = sorted((a.start_ns - a.due_ns) / 1e6 for a in history.attempts)
    return percentile(lags, 99) if lags else None


def attempts_per_s(history: History) -> float | None:
    """Return the mean rate of attempts over the time in which there were any."""
    starts = [a.start_ns for a in history.attempts]
    span_s = (max(starts) - min(starts)) / _NS if starts else 0.0
    return len(starts) / span_s if span_s else None


def _fault_facts(before: Result, verdict: Verdict) -> FaultFacts | None:
    if before.fault is None or verdict.fault_at_ns is None:
        return before.fault
    return before.fault.model_copy(
        update={
            "at_s": verdict.fault_at_ns / _NS,
            "uncertainty_s": (verdict.fault_uncertainty_ns or 0) / _NS,
        }
    )


def _cohort(raw: dict[str, Any]) -> CohortFacts:
    wanted = {k: raw[k] for k in CohortFacts.model_fields if k in raw}
    return CohortFacts(name=raw["cohort"], **wanted)

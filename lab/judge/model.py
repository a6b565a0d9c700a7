"""What judging returns: per cohort figures, per expectation results, one verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.scenario.model import Behaviour


class Status(StrEnum):
    """Three-valued: a missing piece of evidence is `unknown`, never `ok`."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Seconds from the fault over the clients of a cohort (RFC-less; design.md)."""

    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortResult:
    """What one cohort saw.

    Attributes:
        recovery_s: None when any client had not recovered at the end.
        unrecovered: How many had not.
        failed: Failed attempts after the fault, of `attempts` after the fault.
        first_fail_s, last_fail_s: Start of the first and last failed attempt, in
            seconds after the fault; None when none failed.
        causes: Mean seconds of outage per client, by cause; sums to its mean outage.
        failed_by_cause: Failed attempts, by cause.
        resolution_s: Pace of its clients: nothing finer was seen.
    """

    cohort: str
    qname: str
    resolver: str
    access: str
    behaviour: Behaviour
    clients: int
    attempts: int
    failed: int
    unrecovered: int
    recovery_s: Recovery | None
    first_fail_s: float | None
    last_fail_s: float | None
    causes: dict[str, float]
    failed_by_cause: dict[str, int]
    resolution_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationResult:
    """One expectation, measured. `ok` None is unknown; `measured` None too.

    `section` is the heading that a figure stands under, "" if it is none: with it the
    text is the only one of its run.
    """

    text: str
    low: float | None
    measured: float | None
    high: float | None
    ok: bool | None
    why: str
    section: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of a run."""

    status: Status
    fault_at_ns: int | None
    fault_uncertainty_ns: int | None
    cohorts: tuple[CohortResult, ...]
    expectations: tuple[ExpectationResult, ...]
    notes: tuple[str, ...] = ()

"""From a history to what each client saw after the fault.

Pure. What is missing (an attempt due but not reported, an outcome nobody knows)
widens a recovery to the interval in which it must lie; it is never taken for good.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lab.history import Attempt, Event, EventKind, History, Outcome
from lab.judge.model import Recovery
from lab.scenario.bounds import ATTEMPT_S, PRIMING_S, lifetime_s
from lab.scenario.model import Cohort, Fault, FaultKind, Observe, Scenario, Step
from lab.topology.model import Topology

S = TypeVar("S")

NS = 1_000_000_000
#: An open-loop client is due each interval; a longer step means a lost attempt.
_LOST_AFTER = 1.5
#: The fault is armed for an instant; clocks are read this finely at least.
_PUNCTUAL_S = 0.05


class NoEvidence(Exception):
    """The history does not hold what is needed to tell; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A measured value, which lies between `low` and `high`."""

    low: float
    high: float

    def inside(self, low: float, high: float) -> bool | None:
        """Tell whether the value lies inside the bound; None if nobody can say."""
        if low <= self.low and self.high <= high:
            return True
        if self.high < low or self.low > high:
            return False
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time that is judged.

    Attributes:
        fault_ns: Latest moment at which the fault can have taken effect.
        uncertainty_ns: How much earlier it can have been.
        death_ns: When the region stopped serving: the fault, or the stop of a drain.
        end_ns: Start of the last attempt that counts; every one is over before the
            observation ends.
    """

    fault_ns: int
    uncertainty_ns: int
    death_ns: int
    end_ns: int

    def seconds(self, at_ns: float) -> float:
        """Return a moment in seconds after the fault."""
        return (at_ns - self.fault_ns) / NS


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRecord:
    """What one client saw.

    Attributes:
        attempts: Those that were under way at the fault or began after it, by start.
        unknown: Attempts of unknown outcome, and those due but not reported.
        was_well: Its last attempt before the fault worked.
        low_s: Its recovery lies between this and `high_s`, which is infinite if
            nobody saw it recover.
    """

    client: str
    attempts: tuple[Attempt, ...]
    unknown: int
    was_well: bool
    low_s: float
    high_s: float

    @property
    def failed(self) -> tuple[Attempt, ...]:
        """The attempts that failed, by start."""
        return tuple(a for a in self.attempts if a.outcome is Outcome.FAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortRecord:
    """What a cohort saw; `absent` of its clients made no attempt at all."""

    cohort: Cohort
    clients: tuple[ClientRecord, ...]
    absent: int

    @property
    def failed(self) -> tuple[Attempt, ...]:
        """The failed attempts of all its clients."""
        return tuple(a for client in self.clients for a in client.failed)

    @property
    def unknown(self) -> int:
        """Number of attempts that nobody knows the outcome of."""
        return sum(client.unknown for client in self.clients)


def observed_fault(scenario: Scenario) -> Fault | None:
    """Return the first fault after which somebody watches who recovers, if any."""
    for number, step in enumerate(scenario.steps):
        if isinstance(step, Fault):
            after = scenario.steps[number:]
            return step if any(isinstance(s, Observe) for s in after) else None
    return None


def window(scenario: Scenario, history: History) -> Window:
    """Return the time to judge.

    Raises:
        NoEvidence: The fault, or the stop of a drain, is not in the history.
    """
    fault = _step(scenario.steps, Fault)
    observe = _step(scenario.steps[scenario.steps.index(fault) :], Observe)
    struck = _first(history.events, EventKind.FAULT, fault)
    death_ns = struck.at_ns
    if fault.kind is FaultKind.DRAIN:
        death_ns = _first(history.events, EventKind.FAULT_STAGE, fault).at_ns
    return Window(
        fault_ns=struck.at_ns,
        uncertainty_ns=struck.uncertainty_ns,
        death_ns=death_ns,
        end_ns=struck.at_ns + int((observe.for_s - ATTEMPT_S) * NS),
    )


def age_problem(
    topology: Topology, scenario: Scenario, history: History, judged: Window
) -> str:
    """Say why the caches did not have the age that bounds were computed for, or ""."""
    asked_s = _step(scenario.steps, Fault).at_age_s
    if asked_s is None:
        return "the fault came at no set age of the caches"
    before = [e for e in history.events if e.at_ns <= judged.fault_ns]
    primed = next((e for e in reversed(before) if _is_primed(e)), None)
    if primed is None:
        return "no event tells when the caches were primed"
    age_s = (judged.fault_ns - primed.at_ns) / NS
    oldest_s = age_s + _behind_s(topology, primed)
    if age_s < asked_s - _PUNCTUAL_S or oldest_s > asked_s + PRIMING_S + _PUNCTUAL_S:
        return (
            f"cached answers were {age_s:.2f} to {oldest_s:.2f} s old at the fault; "
            f"the bounds hold for {asked_s:g} to {asked_s + PRIMING_S:g} s"
        )
    return ""


def records(
    cohorts: Iterable[Cohort], history: History, judged: Window
) -> dict[str, CohortRecord]:
    """Return what each cohort saw, by its name."""
    attempts: dict[str, dict[str, list[Attempt]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for attempt in history.attempts:
        attempts[attempt.cohort][attempt.client].append(attempt)
    return {
        cohort.name: _cohort_record(cohort, attempts[cohort.name], judged)
        for cohort in cohorts
    }


def client_record(
    client: str, attempts: Sequence[Attempt], judged: Window, *, interval_ns: int
) -> ClientRecord:
    """Return what one client saw, from all its attempts."""
    ordered = sorted(attempts, key=lambda a: a.start_ns)
    surely_before_ns = judged.fault_ns - judged.uncertainty_ns
    before = [a for a in ordered if a.end_ns <= surely_before_ns]
    seen = [
        a
        for a in ordered
        if a.end_ns > surely_before_ns and a.start_ns <= judged.end_ns
    ]
    lost = tuple(_lost(before[-1:] + seen, judged, interval_ns))
    points = sorted([*((a.start_ns, a.outcome) for a in seen), *lost])
    low_s = _recovery_s(points, judged, unknown_fails=False)
    high_s = _recovery_s(points, judged, unknown_fails=True)
    return ClientRecord(
        client=client,
        attempts=tuple(seen),
        unknown=sum(outcome is Outcome.INFO for _, outcome in points),
        was_well=bool(before) and before[-1].outcome is Outcome.OK,
        low_s=judged.seconds(judged.end_ns) if math.isinf(low_s) else low_s,
        high_s=high_s + judged.uncertainty_ns / NS if high_s else 0.0,
    )


def recovery_figures(record: CohortRecord) -> Recovery | None:
    """Return the figures over the clients; None if any had not recovered."""
    values = sorted(client.low_s for client in record.clients)
    if not values or record.absent or unrecovered(record):
        return None
    return Recovery(
        p50=percentile(values, 50), p95=percentile(values, 95), max=values[-1]
    )


def unrecovered(record: CohortRecord) -> int:
    """Return how many clients nobody saw recover."""
    return sum(math.isinf(client.high_s) for client in record.clients)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of sorted values."""
    rank = math.ceil(percent / 100 * len(values))
    return values[max(rank, 1) - 1]


def _cohort_record(
    cohort: Cohort, attempts: Mapping[str, Sequence[Attempt]], judged: Window
) -> CohortRecord:
    interval_ns = cohort.interval_ms * NS // 1000
    clients = tuple(
        client_record(client, attempts[client], judged, interval_ns=interval_ns)
        for client in sorted(attempts)
    )
    absent = max(0, cohort.clients - len(clients))
    return CohortRecord(cohort=cohort, clients=clients, absent=absent)


def _lost(
    attempts: Sequence[Attempt], judged: Window, interval_ns: int
) -> Iterator[tuple[int, Outcome]]:
    """Yield the attempts that were due after the fault but are not in the history."""
    due = [a.due_ns for a in attempts]
    last = min([judged.fault_ns, *due])
    for next_ns in (*sorted(due), judged.end_ns):
        while next_ns - last > _LOST_AFTER * interval_ns:
            last += interval_ns
            if last > judged.fault_ns:
                yield last, Outcome.INFO
        last = max(last, next_ns)


def _recovery_s(
    points: Sequence[tuple[int, Outcome]], judged: Window, *, unknown_fails: bool
) -> float:
    """Return the start of the first good attempt after which none fails."""
    good = {Outcome.OK} if unknown_fails else {Outcome.OK, Outcome.INFO}
    recovery_s = 0.0
    for start_ns, outcome in points:
        if outcome not in good:
            recovery_s = math.inf
        elif math.isinf(recovery_s):
            recovery_s = max(0.0, judged.seconds(start_ns))
    return recovery_s


def _step(steps: Iterable[Step], kind: type[S]) -> S:
    for step in steps:
        if isinstance(step, kind):
            return step
    raise NoEvidence(f"the scenario has no step {kind.__name__}")


def _behind_s(topology: Topology, primed: Event) -> float:
    """Return how much of its life an answer had lost at most when all were primed.

    No more than priming took, nor than TTLs show (against the published one if a
    resolver that should clamp does not).
    """
    took_s = primed.uncertainty_ns / NS
    resolvers = {r.name: r for r in topology.resolvers}
    shown_s = took_s
    if answers := primed.detail.get("answers"):
        lives = [
            (topology.timers_of(a["name"]), resolvers[a["resolver"]], a["ttl_s"])
            for a in answers
        ]
        shown_s = max(
            (lifetime_s(timers, by) if ttl_s > timers.ttl_s else timers.ttl_s) - ttl_s
            for timers, by, ttl_s in lives
        )
    return min(took_s, shown_s)


def _is_primed(event: Event) -> bool:
    return event.kind is EventKind.PHASE and event.detail.get("phase") == "primed"


def _first(events: Iterable[Event], kind: EventKind, fault: Fault) -> Event:
    wanted = (fault.kind.value, fault.target)
    for event in events:
        facts = (event.detail.get("kind"), event.detail.get("target"))
        if event.kind is kind and facts == wanted:
            return event
    raise NoEvidence(f"no {kind.value} event for {fault.kind} of {fault.target}")

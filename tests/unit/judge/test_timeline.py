"""Rules of reading recoveries out of attempts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from lab.history import Attempt, Event, EventKind, History, Outcome
from lab.judge.timeline import (
    NS,
    ClientRecord,
    NoEvidence,
    Window,
    age_problem,
    client_record,
    percentile,
    records,
    recovery_figures,
    unrecovered,
    window,
)
from lab.scenario.model import Behaviour, Cohort, Observe
from tests.unit import worlds

TOPOLOGY = worlds.quick()  # ttl 12, clamp 24
OK, FAIL, INFO = Outcome.OK, Outcome.FAIL, Outcome.INFO
INTERVAL_NS = NS
WINDOW = Window(fault_ns=10 * NS, uncertainty_ns=0, death_ns=10 * NS, end_ns=20 * NS)
COHORT = Cohort(
    name="c",
    access="access-us",
    resolver="us-honest",
    behaviour=Behaviour.FIRST_ADDRESS,
    qname="failover",
    clients=1,
    interval_ms=1000,
)


def attempt(
    at_s: float, outcome: Outcome, *, lasts_s: float = 0.1, client: str = "c#0"
) -> Attempt:
    """Return an attempt `at_s` after the fault."""
    start_ns = int((10 + at_s) * NS)
    return Attempt(
        client=client,
        cohort="c",
        due_ns=start_ns,
        start_ns=start_ns,
        end_ns=start_ns + int(lasts_s * NS),
        outcome=outcome,
    )


def run(outcomes: Sequence[Outcome], *, first_s: float = -1.5) -> list[Attempt]:
    """Return one attempt a second, from before the fault on."""
    return [attempt(first_s + k, outcome) for k, outcome in enumerate(outcomes)]


def seen(attempts: Sequence[Attempt], judged: Window = WINDOW) -> ClientRecord:
    return client_record("c#0", attempts, judged, interval_ns=INTERVAL_NS)


class TestClientRecord:
    def test_recovers_at_the_start_of_the_first_good_attempt_that_lasts(self) -> None:
        record = seen(run([OK, OK, FAIL, FAIL, *[OK] * 8]))

        assert (record.low_s, record.high_s) == (2.5, 2.5)
        assert len(record.failed) == 2

    def test_good_attempt_before_another_failure_is_no_recovery(self) -> None:
        record = seen(run([OK, OK, FAIL, OK, FAIL, *[OK] * 7]))

        assert record.low_s == 3.5

    def test_recovery_is_zero_when_nothing_failed(self) -> None:
        record = seen(run([OK] * 12))

        assert (record.low_s, record.high_s, record.unknown) == (0, 0, 0)

    def test_attempt_under_way_at_the_fault_counts(self) -> None:
        hit = attempt(-0.5, FAIL, lasts_s=0.8)
        record = seen([attempt(-1.5, OK), hit, *run([OK] * 10, first_s=0.5)])

        assert record.failed == (hit,)
        assert record.low_s == 0.5

    def test_attempt_over_before_the_fault_does_not_count(self) -> None:
        record = seen(run([FAIL, OK, *[OK] * 10]))

        assert record.failed == ()
        assert record.was_well

    def test_client_that_failed_just_before_was_not_well(self) -> None:
        assert not seen(run([OK, FAIL, *[OK] * 10])).was_well

    def test_recovery_is_open_if_the_last_attempt_failed(self) -> None:
        record = seen(run([OK, OK, *[FAIL] * 10]))

        assert record.low_s == 10
        assert math.isinf(record.high_s)

    def test_uncertainty_of_the_fault_is_that_of_the_recovery(self) -> None:
        vague = replace(WINDOW, uncertainty_ns=NS // 2)

        record = seen(run([OK, OK, FAIL, *[OK] * 9]), vague)

        assert (record.low_s, record.high_s) == (1.5, 2.0)

    def test_unknown_outcome_widens_the_recovery(self) -> None:
        record = seen(run([OK, OK, FAIL, INFO, *[OK] * 8]))

        assert (record.low_s, record.high_s) == (1.5, 2.5)
        assert record.unknown == 1

    def test_missing_attempt_counts_as_unknown(self) -> None:
        whole = run([OK, OK, FAIL, OK, OK, OK, *[OK] * 6])
        torn = whole[:5] + whole[6:]

        record = seen(torn)

        assert record.unknown == 1
        assert (record.low_s, record.high_s) == (1.5, 4.5)

    def test_history_that_ends_early_leaves_the_end_open(self) -> None:
        record = seen(run([OK, OK, FAIL, OK, OK]))

        assert record.unknown > 0
        assert record.low_s == 1.5
        assert math.isinf(record.high_s)

    def test_late_reports_change_nothing(self) -> None:
        attempts = run([OK, OK, FAIL, *[OK] * 9])

        assert seen(attempts[::-1]) == seen(attempts)

    def test_attempts_after_the_observation_do_not_count(self) -> None:
        after = attempt(10.5, FAIL)

        assert seen([*run([OK] * 12), after]).failed == ()


class TestRecords:
    def test_clients_without_an_attempt_are_absent(self) -> None:
        two = replace(COHORT, clients=2)
        history = History(events=(), attempts=tuple(run([OK] * 12)))

        record = records([two], history, WINDOW)["c"]

        assert record.absent == 1
        assert recovery_figures(record) is None

    def test_figures_are_over_clients(self) -> None:
        attempts = [
            replace(a, client=f"c#{k}")
            for k in range(4)
            for a in run([OK, OK, *[FAIL] * k, *[OK] * (10 - k)])
        ]
        four = replace(COHORT, clients=4)
        record = records([four], History(events=(), attempts=tuple(attempts)), WINDOW)[
            "c"
        ]
        figures = recovery_figures(record)

        assert figures is not None
        assert (figures.p50, figures.p95, figures.max) == (1.5, 3.5, 3.5)
        assert unrecovered(record) == 0

    def test_no_figures_while_a_client_is_down(self) -> None:
        history = History(events=(), attempts=tuple(run([OK, OK, *[FAIL] * 10])))
        record = records([COHORT], history, WINDOW)["c"]

        assert recovery_figures(record) is None
        assert unrecovered(record) == 1


class TestWindow:
    SCENARIO = worlds.region_kill(worlds.quick(), "fault=drain")
    FACTS: ClassVar = {"kind": "drain", "target": "us-east"}
    STRUCK = Event(at_ns=10 * NS, kind=EventKind.FAULT, uncertainty_ns=5, detail=FACTS)
    STOPPED = Event(at_ns=28 * NS, kind=EventKind.FAULT_STAGE, detail=FACTS)

    def test_drained_region_dies_at_its_stop(self) -> None:
        judged = window(
            self.SCENARIO, History(events=(self.STRUCK, self.STOPPED), attempts=())
        )

        assert (judged.fault_ns, judged.uncertainty_ns) == (10 * NS, 5)
        assert judged.death_ns == 28 * NS
        (observe,) = (s for s in self.SCENARIO.steps if isinstance(s, Observe))
        assert judged.end_ns == 10 * NS + int((observe.for_s - 1) * NS)

    @pytest.mark.parametrize("events", [(), (STOPPED,), (STRUCK,)])
    def test_missing_stage_is_no_evidence(self, events: tuple[Event, ...]) -> None:
        with pytest.raises(NoEvidence, match="event for drain of us-east"):
            window(self.SCENARIO, History(events=events, attempts=()))

    def test_fault_of_another_region_is_no_evidence(self) -> None:
        other = replace(self.STRUCK, detail={"kind": "drain", "target": "eu-west"})

        with pytest.raises(NoEvidence):
            window(self.SCENARIO, History(events=(other, self.STOPPED), attempts=()))


class TestAgeProblem:
    SCENARIO = worlds.region_kill(TOPOLOGY)  # age 4 s

    def problem(
        self,
        *,
        primed_s: float,
        took_s: float = 0.0,
        ttls: dict[str, int] | None = None,
    ) -> str:
        answers = [
            {"resolver": resolver, "name": "failover", "ttl_s": ttl_s}
            for resolver, ttl_s in (ttls or {}).items()
        ]
        primed = Event(
            at_ns=int(primed_s * NS),
            uncertainty_ns=int(took_s * NS),
            kind=EventKind.PHASE,
            detail={"phase": "primed", "answers": answers},
        )
        history = History(events=(primed,), attempts=())
        return age_problem(TOPOLOGY, self.SCENARIO, history, WINDOW)

    def test_none_if_primed_in_time(self) -> None:
        assert self.problem(primed_s=6, took_s=0.3) == ""

    @pytest.mark.parametrize(("primed_s", "took_s"), [(6, 1.5), (4, 0), (6.5, 0)])
    def test_told_if_answers_are_older_or_younger_than_the_bounds_allow(
        self, primed_s: float, took_s: float
    ) -> None:
        assert "s old at the fault" in self.problem(primed_s=primed_s, took_s=took_s)

    def test_full_ttls_show_that_answers_are_younger_than_priming_took(self) -> None:
        full = {"us-honest": 12, "us-clamping": 24, "us-stale": 11}

        assert self.problem(primed_s=6, took_s=2, ttls=full) == ""
        assert self.problem(primed_s=6, took_s=2, ttls={**full, "public": 10})

    def test_missing_clamp_is_not_taken_for_age(self) -> None:
        assert self.problem(primed_s=6, took_s=3, ttls={"us-clamping": 12}) == ""

    def test_told_if_nobody_saw_the_priming(self) -> None:
        nothing = History(events=(), attempts=())

        assert "no event" in age_problem(TOPOLOGY, self.SCENARIO, nothing, WINDOW)


class TestPercentile:
    @pytest.mark.parametrize(("percent", "value"), [(50, 2), (95, 4), (1, 1)])
    def test_is_the_nearest_rank(self, percent: int, value: float) -> None:
        assert percentile([1, 2, 3, 4], percent) == value

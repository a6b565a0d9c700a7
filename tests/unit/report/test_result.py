from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from lab.history import History
from lab.report.result import (
    Result,
    attempts_per_s,
    ended_early,
    judged,
    planned_fault,
    scheduling_lag_p99_ms,
    unjudged,
)
from tests.unit.report.stories import before, power_off, result, unseen


class TestSchema:
    @pytest.mark.parametrize("told", [power_off, unseen])
    def test_a_result_meets_the_published_schema(self, told: object) -> None:
        assert callable(told)
        schema = Result.model_json_schema(mode="serialization")

        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(
            json.loads(result(told()).model_dump_json())
        )

    def test_a_result_survives_its_json(self) -> None:
        known = result(power_off())

        assert Result.model_validate_json(known.model_dump_json()) == known

    def test_an_unknown_key_is_refused(self) -> None:
        with pytest.raises(ValidationError):
            Result.model_validate({"nonsense": 1})


class TestJudged:
    def test_holds_what_design_promises(self) -> None:
        known = result(power_off())

        cohort = known.cohorts[0]
        assert cohort.recovery_s is not None
        assert cohort.recovery_s.p50 <= cohort.recovery_s.p95 <= cohort.recovery_s.max
        assert cohort.failed <= cohort.attempts
        assert cohort.resolution_s == 0.2
        assert known.fault is not None
        assert known.fault.uncertainty_s == pytest.approx(0.003)
        assert (known.state, known.verdict) == ("judged", "ok")

    def test_a_run_that_ended_early_goes_on_to_say_so(self) -> None:
        told = power_off()
        early = ended_early(before(told.scenario), KeyboardInterrupt())

        known = judged(early, told.history, told.verdict)

        assert known.state == "interrupted"
        assert known.notes[0] == "KeyboardInterrupt"
        assert set(told.verdict.notes) < set(known.notes)

    def test_judging_twice_says_the_same(self) -> None:
        told = power_off()
        once = result(told)

        again = judged(unjudged(once.model_dump_json()), told.history, told.verdict)

        assert again == once


class TestEndedEarly:
    def test_a_fault_of_the_harness_is_named(self) -> None:
        known = ended_early(before(power_off().scenario), OSError("no\nroom"))

        assert (known.state, known.notes) == ("broken", ("OSError: no",))


class TestUnjudged:
    def test_verdicts_of_another_version_do_not_matter(self) -> None:
        raw = json.loads(result(power_off()).model_dump_json())
        raw["cohorts"] = [{"of": "another version"}]

        assert unjudged(json.dumps(raw)).cohorts == ()


class TestFigures:
    def test_the_lag_is_that_of_late_starts(self) -> None:
        lag_ms = scheduling_lag_p99_ms(power_off().history)

        assert lag_ms == pytest.approx(0.1, abs=0.01)

    def test_the_rate_is_attempts_over_their_time(self) -> None:
        told = power_off()
        expected = sum(c.clients * 1000 / c.interval_ms for c in told.scenario.watch)

        assert attempts_per_s(told.history) == pytest.approx(expected, rel=0.05)

    def test_no_attempts_have_neither(self) -> None:
        nothing = History(events=(), attempts=())

        assert attempts_per_s(nothing) is None
        assert scheduling_lag_p99_ms(nothing) is None


class TestPlannedFault:
    def test_is_what_will_die_but_not_when(self) -> None:
        fault = planned_fault(power_off().scenario)

        assert fault is not None
        assert (fault.kind, fault.target, fault.at_s) == ("power-off", "us-east", None)

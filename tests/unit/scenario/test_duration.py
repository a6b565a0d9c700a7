from __future__ import annotations

from lab.scenario.duration import least_s
from lab.scenario.model import (
    Ask,
    Fault,
    FaultKind,
    Observe,
    Prime,
    Question,
    Restore,
    Scenario,
    Step,
    Undo,
)

FAULT = Fault(kind=FaultKind.CRASH, target="us-east", at_age_s=2.0)


def asked(*, behind: bool) -> Ask:
    question = Question(
        label="q", access="a", server="s", qname="rr", count=100, interval_ms=50
    )
    return Ask(questions=(question,), behind=behind)


def takes(*steps: Step) -> float:
    return least_s(
        Scenario(
            name="story",
            title="A story",
            questions=("Q1",),
            knobs=(),
            watch=(),
            steps=steps,
            expectations=(),
        )
    )


class TestLeast:
    def test_what_is_watched_after_a_fault_counts_from_the_fault(self) -> None:
        assert takes(Prime(), FAULT, Observe(for_s=5), Observe(for_s=8)) == 2 + 8

    def test_without_a_fault_in_force_times_add_up(self) -> None:
        assert takes(Observe(for_s=5), Observe(for_s=8)) == 13
        assert takes(FAULT, Observe(for_s=5), Restore(), Observe(for_s=8)) == 2 + 5 + 8

    def test_an_undoing_may_be_due_later(self) -> None:
        undo = Undo(target=FAULT.target, after_s=7)
        assert takes(FAULT, undo, Observe(for_s=1)) == 2 + 7 + 1

    def test_only_questions_that_are_waited_for_take_time(self) -> None:
        assert takes(asked(behind=False), Observe(for_s=1)) == 5 + 1
        assert takes(asked(behind=True), Observe(for_s=1)) == 1

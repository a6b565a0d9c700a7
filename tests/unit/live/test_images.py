from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lab.live.images import Progress, Step, StepState, carry_out


def step(name: str, *needs: str, work: Callable[[], object] = lambda: None) -> Step:
    return Step(name=name, needs=needs, work=lambda _: work())


def ended(progress: list[Progress]) -> list[str]:
    return [p.step for p in progress if p.state is StepState.DONE]


class TestCarryOut:
    def test_nothing_to_do_yields_nothing(self) -> None:
        assert list(carry_out([], jobs=2)) == []

    def test_a_step_starts_after_those_it_needs_have_ended(self) -> None:
        seen = list(carry_out([step("l4", "bird"), step("bird", "base")], jobs=2))

        assert [(p.step, p.state) for p in seen] == [
            ("bird", StepState.STARTED),
            ("bird", StepState.DONE),
            ("l4", StepState.STARTED),
            ("l4", StepState.DONE),
        ]

    def test_steps_that_do_not_need_each_other_run_together(self) -> None:
        together = threading.Barrier(2, timeout=5)

        seen = list(
            carry_out([step(n, work=together.wait) for n in ("a", "b")], jobs=2)
        )

        assert sorted(ended(seen)) == ["a", "b"]

    def test_no_more_steps_than_jobs_run_at_a_time(self) -> None:
        running: list[int] = []
        lock = threading.Lock()

        def work() -> None:
            assert lock.acquire(blocking=False)
            running.append(1)
            lock.release()

        seen = list(carry_out([step(n, work=work) for n in "abcd"], jobs=1))

        assert ended(seen) == ["a", "b", "c", "d"]
        assert len(running) == 4

    def test_a_failure_is_raised_after_it_was_shown(self) -> None:
        def fail() -> None:
            raise ValueError("no")

        shown = carry_out([step("a", work=fail)], jobs=1)
        assert [next(shown).state, next(shown).state] == [
            StepState.STARTED,
            StepState.FAILED,
        ]
        with pytest.raises(ValueError, match="no"):
            next(shown)

    def test_a_failure_stops_what_runs_beside_it(self) -> None:
        stopped = threading.Event()

        def long(stop: threading.Event) -> None:
            if stop.wait(5):
                stopped.set()

        def fail() -> None:
            raise ValueError("no")

        steps = [Step(name="long", needs=(), work=long), step("fail", work=fail)]
        with pytest.raises(ValueError, match="no"):
            list(carry_out(steps, jobs=2))

        assert stopped.is_set()

    def test_whoever_stops_listening_stops_the_work(self) -> None:
        stopped = threading.Event()

        def long(stop: threading.Event) -> None:
            if stop.wait(5):
                stopped.set()

        shown = carry_out([Step(name="long", needs=(), work=long)], jobs=1)
        next(shown)
        shown.close()  # type: ignore[attr-defined]

        assert stopped.is_set()

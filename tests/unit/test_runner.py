from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from lab.errors import NotReady
from lab.history import Attempt, Event, History
from lab.judge.model import Verdict
from lab.judge.verdict import judge
from lab.plan.model import Plan
from lab.report.result import Result
from lab.runner import Record, carry_out
from lab.scenario.model import Scenario
from lab.topology.model import Topology
from tests.unit.report.stories import before, power_off


class FakeWorld:
    """Yields what it is given; then raises, if told so."""

    def __init__(self, history: History, error: BaseException | None = None) -> None:
        self.history, self.error, self.closed = history, error, False

    def up(self, plan: Plan) -> Iterator[Event]:
        raise NotImplementedError

    def down(self) -> None:
        raise NotImplementedError

    def run(
        self, topology: Topology, scenario: Scenario
    ) -> Generator[Event | Attempt, None, None]:
        try:
            # As they are seen: no two nodes report in step.
            yield from self.history.attempts[::-1]
            yield from self.history.events
            if self.error:
                raise self.error
        finally:
            self.closed = True


class FakeSaver:
    """Remembers what is saved, in order."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.results: list[Result] = []
        self.log: list[str] = []

    def append(self, record: Record) -> None:
        self.records.append(record)
        self.log.append("record")

    def save_result(self, result: Result) -> None:
        self.results.append(result)
        self.log.append(result.state)


def run(
    world: FakeWorld, saver: FakeSaver, shown: list[Record] | None = None
) -> tuple[Verdict, Result, History]:
    told = power_off()
    return carry_out(
        world,
        saver,
        judge,
        topology=told.topology,
        scenario=told.scenario,
        before=before(told.scenario),
        show=(shown if shown is not None else []).append,
    )


class TestCarryOut:
    def test_saves_before_after_the_history_and_after_the_verdict(self) -> None:
        saver = FakeSaver()

        run(FakeWorld(power_off().history), saver)

        assert list(dict.fromkeys(saver.log)) == [
            "running",
            "record",
            "observed",
            "judged",
        ]

    def test_judges_the_history_in_order_of_time(self) -> None:
        told = power_off()

        verdict, result, history = run(FakeWorld(told.history), FakeSaver())

        assert history == told.history
        assert verdict == told.verdict
        assert result.verdict == verdict.status

    def test_shows_each_record_as_it_is_saved(self) -> None:
        saver, shown = FakeSaver(), list[Record]()

        run(FakeWorld(power_off().history), saver, shown)

        assert shown == saver.records

    @pytest.mark.parametrize(
        ("error", "state"),
        [
            (KeyboardInterrupt(), "interrupted"),
            (NotReady("transit-a: no BGP session"), "broken"),
            (OSError("no room"), "broken"),
        ],
    )
    def test_what_ends_a_run_early_is_said_and_goes_on(
        self, error: BaseException, state: str
    ) -> None:
        told, saver = power_off(), FakeSaver()

        with pytest.raises(type(error)):
            run(FakeWorld(told.history, error), saver)

        assert [r.state for r in saver.results] == ["running", state]
        assert type(error).__name__ in saver.results[-1].notes[0]
        count = len(told.history.attempts) + len(told.history.events)
        assert len(saver.records) == count

    def test_a_display_that_breaks_gives_the_run_up(self) -> None:
        told, saver = power_off(), FakeSaver()
        world = FakeWorld(told.history)

        def show(record: Record) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            carry_out(
                world,
                saver,
                judge,
                topology=told.topology,
                scenario=told.scenario,
                before=before(told.scenario),
                show=show,
            )

        assert world.closed
        assert saver.log[-1] == "interrupted"

    def test_a_saver_that_breaks_ends_the_run(self) -> None:
        world = FakeWorld(power_off().history)

        class Full(FakeSaver):
            def append(self, record: Record) -> None:
                raise OSError("no room")

        with pytest.raises(OSError, match="no room"):
            run(world, Full())

        assert world.closed

"""One run, start to end: save, carry out, save, judge, save.

The world, the folder, the judge and the report are passed in; nothing here knows
Docker or where runs are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Protocol

from lab.history import Attempt, Event, History, history_of
from lab.judge.model import Verdict
from lab.report.result import Result, ended_early, judged
from lab.scenario.model import Scenario
from lab.topology.model import Topology
from lab.world import World

Record = Event | Attempt
Judge = Callable[[Topology, Scenario, History], Verdict]


class Saver(Protocol):
    """Where a run is written; `lab.store.RunFolder` is one."""

    def append(self, record: Record) -> None:
        """Journal one record."""

    def save_result(self, result: Result) -> None:
        """Keep the result as known so far."""


def carry_out(
    world: World,
    saver: Saver,
    judge: Judge,
    *,
    topology: Topology,
    scenario: Scenario,
    before: Result,
    show: Callable[[Record], None],
) -> tuple[Verdict, Result, History]:
    """Carry a scenario out and judge it.

    Args:
        world: A world that is up.
        saver: Gets every record as it is seen, and the result after each phase.
        judge: Pure judgement of the history.
        topology: The topology in force.
        scenario: The story.
        before: The result as known before the run, state `running`.
        show: Called with every record, for a display.

    Raises:
        BaseException: Whatever ended the run early; the history so far is kept and
            the result says `interrupted` (by a person) or `broken` (by a fault).
    """
    saver.save_result(before)
    records: list[Record] = []
    try:
        with closing(world.run(topology, scenario)) as seen:
            for record in seen:
                saver.append(record)
                records.append(record)
                show(record)
    except BaseException as error:
        saver.save_result(ended_early(before, error))
        raise
    history = history_of(records)
    saver.save_result(before.model_copy(update={"state": "observed"}))
    verdict = judge(topology, scenario, history)
    result = judged(before, history, verdict)
    saver.save_result(result)
    return verdict, result, history

"""`pytest scenarios/`: every scenario is a test.

A lab is kept up between scenarios on the same topology and removed after the last of
them, while the next one starts: no story begins before it is gone, as several labs at
once, each with its timers, would leave two cores no rest. What a scenario came to is
printed, and shown by pytest where it is not as expected.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.cli.context import world
from lab.cli.labs import bring_up
from lab.cli.running import Wanted, prepare, run
from lab.judge.model import Status
from lab.live.bootstrap import restart_engine_if_ours
from lab.live.engine import Miscounted
from lab.scenario.catalogue import ScenarioFile, load_file
from lab.topology.model import Topology

#: Seconds that a scenario may take, its lab's start included.
TIMEOUT_S = 240


class NotAsExpected(Exception):
    """A scenario's verdict is not `ok`."""


class Labs:
    """The labs of a session: those that run, and those that are being removed."""

    def __init__(self) -> None:
        """Know of none yet."""
        #: Each with its topology in force if the last scenario left it well.
        self.running: dict[str, Topology | None] = {}
        self._removals: dict[str, Future[None]] = {}
        self._thread = ThreadPoolExecutor(max_workers=1)

    def remove_all(self, *, but: str = "") -> None:
        """Begin to remove all that run but one."""
        for lab in self.running.keys() - {but}:
            del self.running[lab]
            self._removals[lab] = self._thread.submit(_take_down, lab)

    def await_removals(self) -> None:
        """Return once nothing is being removed any more.

        What the engine miscounted is left to the end: one started anew would end the
        lab that has just started.
        """
        for lab, removal in list(self._removals.items()):
            if not isinstance(removal.exception(), Miscounted):
                del self._removals[lab]
                removal.result()

    def end(self) -> None:
        """Remove every lab."""
        self.remove_all()
        self.await_removals()
        if self._removals and not restart_engine_if_ours(print):
            raise Miscounted(f"networks are left of {', '.join(self._removals)}")
        for lab in self._removals:
            _take_down(lab)


LABS = pytest.StashKey[Labs]()


class ScenarioItem(pytest.Item):
    """One scenario, run in the quick profile on the topology it is made for."""

    def __init__(self, *, setting: str, scenario: ScenarioFile[Any], **kw: Any) -> None:
        """Remember what to run, and with which setting, if any."""
        super().__init__(**kw)
        self.scenario = scenario
        self._settings = (setting,) if setting else ()
        self.add_marker(pytest.mark.timeout(TIMEOUT_S))

    @property
    def lab(self) -> str:
        """The name of the lab it runs on."""
        return f"pytest-{self.scenario.topology}"

    def runtest(self) -> None:
        """Carry it out and judge it, on the lab that the one before has left."""
        labs = self.session.stash[LABS]
        left, labs.running[self.lab] = labs.running.get(self.lab), None
        chosen, story = prepare(
            self.scenario.name, "", "quick", self.lab, self._settings
        )
        if left != chosen.topology:
            bring_up(chosen)
        labs.await_removals()
        status = run(chosen, story, Wanted(), attach=True, keep=True)
        if status is not Status.OK:
            raise NotAsExpected(f"{self.name}: {status}")
        labs.running[self.lab] = chosen.topology

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> Any:
        """Return a verdict without a traceback, and any other failure with one."""
        if isinstance(excinfo.value, NotAsExpected):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class ScenarioModule(pytest.File):
    """A scenario file."""

    def collect(self) -> Iterator[ScenarioItem]:
        """Yield the scenario that it registers, as it is and in each variant."""
        scenario = load_file(self.path)
        for setting in ("", *scenario.variants):
            name = f"{scenario.name}[{setting}]" if setting else scenario.name
            yield ScenarioItem.from_parent(
                self, name=name, setting=setting, scenario=scenario
            )


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> ScenarioModule | None:
    """Return the scenario in a file of this folder."""
    if file_path.parent != Path(__file__).parent or file_path == Path(__file__):
        return None
    if file_path.suffix != ".py":
        return None
    return ScenarioModule.from_parent(parent, path=file_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let scenarios on the same topology follow each other."""
    items.sort(
        key=lambda item: (
            item.scenario.topology if isinstance(item, ScenarioItem) else ""
        )
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Know of no lab yet."""
    session.stash[LABS] = Labs()


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Let a lab go that the next test does not run on."""
    if isinstance(item, ScenarioItem):
        following = nextitem.lab if isinstance(nextitem, ScenarioItem) else ""
        item.session.stash[LABS].remove_all(but=following)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what is left, after an interrupted test too."""
    session.stash[LABS].end()


def _take_down(lab: str) -> None:
    with world(lab) as live:
        live.down()

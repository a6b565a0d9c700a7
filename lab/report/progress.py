"""What a person sees while a scenario runs."""

from __future__ import annotations

from collections import defaultdict, deque
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab.history import Attempt, Event, EventKind, Outcome
from lab.scenario.model import Scenario

_NS = 1_000_000_000
_PLAIN_EVERY_S = 5
#: Of the attempts of the last second, for the rate.
_RATE_WINDOW_NS = _NS


class RunProgress:
    """Fed with records, shows phases, failing clients per name, and the rate.

    On a terminal a small table that stays in place; elsewhere a line per phase and
    one every few seconds. A context manager.
    """

    def __init__(self, scenario: Scenario, console: Console) -> None:
        """Show on `console`."""
        self._console = console
        self._group_of = {c.name: c.qname for c in scenario.watch}
        self._clients: dict[str, int] = defaultdict(int)
        for cohort in scenario.watch:
            self._clients[cohort.qname] += cohort.clients
        self._failing: dict[str, set[str]] = {name: set() for name in self._clients}
        self._recent: deque[int] = deque()
        self._phase = ""
        self._now_ns = 0
        self._fault_ns: int | None = None
        self._said_s = 0
        self._live = Live(
            console=console, get_renderable=self._table, refresh_per_second=4
        )

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen."""
        if self._console.is_terminal:
            self._live.stop()

    def feed(self, record: Event | Attempt) -> None:
        """Take one record in."""
        if isinstance(record, Attempt):
            self._attempt(record)
        else:
            self._event(record)

    def _attempt(self, attempt: Attempt) -> None:
        self._now_ns = max(self._now_ns, attempt.end_ns)
        self._recent.append(attempt.end_ns)
        while self._recent[0] < self._now_ns - _RATE_WINDOW_NS:
            self._recent.popleft()
        failing = self._failing[self._group_of[attempt.cohort]]
        if attempt.outcome is Outcome.OK:
            failing.discard(attempt.client)
        else:
            failing.add(attempt.client)
        if self._now_ns // _NS >= self._said_s + _PLAIN_EVERY_S:
            self._said_s = self._now_ns // _NS
            self._plain(self._counts())

    def _event(self, event: Event) -> None:
        detail = event.detail
        match event.kind:
            case EventKind.PHASE:
                self._phase = str(detail["phase"])
                self._plain(self._phase)
            case EventKind.FAULT:
                self._fault_ns = event.at_ns
                self._plain(f"{detail['target']}: {detail['kind']}")
            case EventKind.HEALTH:
                said = f"{event.node} declares {detail['target']} {detail['state']}"
                self._log(event, said)
            case EventKind.FAULT_STAGE | EventKind.RESTORE:
                self._log(event, f"{detail['target']}: {event.kind}")
            case EventKind.DIED:
                self._log(event, f"{event.node}: {detail['process']} ended by itself")

    def _log(self, event: Event, said: str) -> None:
        self._console.print(f"{self._clock(event.at_ns)}  {said}", markup=False)

    def _plain(self, said: str) -> None:
        if not self._console.is_terminal:
            self._console.print(f"{self._clock(self._now_ns)}  {said}", markup=False)

    def _clock(self, at_ns: int) -> str:
        if self._fault_ns is None:
            return f"{at_ns / _NS:7.1f} s"
        return f"{(at_ns - self._fault_ns) / _NS:+7.1f} s"

    def _counts(self) -> str:
        failing = ", ".join(
            f"{name} {len(clients)}/{self._clients[name]}"
            for name, clients in self._failing.items()
        )
        return f"failing clients: {failing}; {len(self._recent)} attempts/s"

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        table.add_column("phase")
        table.add_column("since the fault" if self._fault_ns else "since the start")
        for name in self._failing:
            table.add_column(f"{name} failing", justify="right")
        table.add_column("attempts/s", justify="right")
        counts = [
            Text(
                f"{len(clients)}/{self._clients[name]}",
                style="bold red" if clients else "green",
            )
            for name, clients in self._failing.items()
        ]
        clock = self._clock(self._now_ns)
        table.add_row(self._phase, clock, *counts, str(len(self._recent)))
        return table

"""What a person sees while a scenario runs."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab.history import Attempt, Event, EventKind, Outcome
from lab.judge.timeline import percentile
from lab.report.groups import resolver_kind
from lab.scenario.model import Fault, Observe, Scenario
from lab.topology.model import Topology

_NS = 1_000_000_000
_PLAIN_EVERY_S = 5
#: Rate and lag are those of the attempts of the last second.
_RECENT_NS = _NS
_PHASES = {
    "start": "clients start",
    "first-replies": "every client has had a good reply",
    "prime": "caches are emptied and filled at one moment",
    "primed": "caches are filled",
    "prove-cache": "caches are shown to be on the path",
    "fault": "the fault is armed",
    "observe": "users are watched",
    "ask": "servers are asked directly",
    "undo": "a fault is undone",
    "restore": "what suffers is brought back",
    "restored": "every condition holds again",
    "over": "every step is done",
    "end": "clients stop",
}

#: Served name, kind of resolver, behaviour.
_Cell = tuple[str, str, str]


class RunProgress:
    """Fed with records, shows phases, what happens, and how many clients fail.

    On a terminal a table of failing clients that stays in place below what happens;
    elsewhere a line for each thing that happens and a count every few seconds. A
    context manager.
    """

    def __init__(
        self, scenario: Scenario, topology: Topology, console: Console
    ) -> None:
        """Show on `console`."""
        self._console = console
        self._cell_of: dict[str, _Cell] = {
            c.name: (c.qname, resolver_kind(topology, c.resolver), c.behaviour.value)
            for c in scenario.watch
        }
        self._clients: Counter[_Cell] = Counter()
        for cohort in scenario.watch:
            self._clients[self._cell_of[cohort.name]] += cohort.clients
        self._failing: dict[_Cell, set[str]] = {cell: set() for cell in self._clients}
        self._observe_s = sum(s.for_s for s in scenario.steps if isinstance(s, Observe))
        self._fault = next((s for s in scenario.steps if isinstance(s, Fault)), None)
        #: When each recent attempt ended, and how late it began.
        self._recent: deque[tuple[int, int]] = deque()
        self._phase = ""
        self._now_ns = 0
        self._fault_ns: int | None = None
        self._possible_ns: int | None = None
        self._early_routes: list[Event] = []
        self._route_moved = False
        #: What each provider said last of each region; some say it of every name.
        self._declared: dict[tuple[str, str], str] = {}
        self._said_s = 0
        self._live = Live(
            console=console, get_renderable=self._picture, refresh_per_second=4
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
            self._now_ns = max(self._now_ns, record.at_ns)
            self._event(record)

    def _attempt(self, attempt: Attempt) -> None:
        self._now_ns = max(self._now_ns, attempt.end_ns)
        self._recent.append((attempt.end_ns, attempt.start_ns - attempt.due_ns))
        while self._recent and self._recent[0][0] < self._now_ns - _RECENT_NS:
            self._recent.popleft()
        failing = self._failing[self._cell_of[attempt.cohort]]
        if attempt.outcome is Outcome.OK:
            failing.discard(attempt.client)
        elif attempt.outcome is Outcome.FAIL:
            failing.add(attempt.client)
        if self._now_ns // _NS >= self._said_s + _PLAIN_EVERY_S:
            self._said_s = self._now_ns // _NS
            if not self._console.is_terminal:
                self._say(self._now_ns, self._counts())

    def _event(self, event: Event) -> None:
        detail = event.detail
        match event.kind:
            case EventKind.PHASE:
                self._phase = _told(detail)
                self._say(event.at_ns, self._phase)
            case EventKind.FAULT:
                self._fault_ns = event.at_ns
                self._say(event.at_ns, f"{detail['target']}: {detail['kind']}", "bold")
                self._possible_ns = event.at_ns - event.uncertainty_ns
                for route in self._early_routes:
                    self._route(route)
            case EventKind.FAULT_STAGE:
                said = f"{detail['target']}: {detail['stage']}"
                self._say(event.at_ns, said, "bold")
            case EventKind.RESTORE:
                self._say(event.at_ns, f"{detail['target']}: restored", "bold")
            case EventKind.HEALTH:
                self._health(event)
            case EventKind.ROUTE:
                self._route(event)
            case EventKind.DIED:
                said = f"{event.node}: {detail['process']} ended by itself"
                self._say(event.at_ns, said, "red")

    def _health(self, event: Event) -> None:
        target, state = str(event.detail["target"]), str(event.detail["state"])
        if self._declared.get((event.node, target)) != state:
            self._declared[event.node, target] = state
            self._say(event.at_ns, f"{event.node} declares {target} {state}")

    def _route(self, event: Event) -> None:
        """Say the first move that the fault can have caused, known before it or not."""
        if self._possible_ns is None:
            self._early_routes.append(event)
        elif event.at_ns >= self._possible_ns and not self._route_moved:
            self._route_moved = True
            self._say(event.at_ns, f"{event.node}: the first route moves")

    def _say(self, at_ns: int, said: str, style: str = "") -> None:
        line = Text(f"{self._clock(at_ns)}  ", style="dim")
        line.append(said, style=style or "not dim")
        self._console.print(line, soft_wrap=not self._console.is_terminal)

    def _clock(self, at_ns: int) -> str:
        if self._fault_ns is None:
            return f"{at_ns / _NS:8.2f} s"
        return f"{(at_ns - self._fault_ns) / _NS:+8.2f} s"

    def _counts(self) -> str:
        """Return how many clients fail per name, and behind which kind of resolver."""
        clients: Counter[str] = Counter()
        failing: dict[str, Counter[str]] = defaultdict(Counter)
        for (qname, kind, behaviour), total in self._clients.items():
            clients[qname] += total
            failing[qname][kind] += len(self._failing[qname, kind, behaviour])
        parts = []
        for qname, total in clients.items():
            kinds = ", ".join(f"{k} {n}" for k, n in failing[qname].items() if n)
            count = f"{qname} {failing[qname].total()}/{total}"
            parts.append(f"{count} ({kinds})" if kinds else count)
        return f"failing: {'; '.join(parts)}; {self._pace()}"

    def _pace(self) -> str:
        """Return how many attempts there are, and how late they begin."""
        rate = f"{len(self._recent)} attempts/s"
        if not self._recent:
            return rate
        lag_ms = percentile(sorted(lag_ns for _, lag_ns in self._recent), 99) / 1e6
        return f"{rate}, p99 lag {lag_ms:.0f} ms"

    def _picture(self) -> RenderableType:
        return Group(Text(), self._headline(), self._table())

    def _headline(self) -> Text:
        if self._fault_ns is None or self._fault is None:
            when = f"{self._now_ns / _NS:.1f} s into the run"
        else:
            since_s = (self._now_ns - self._fault_ns) / _NS
            when = (
                f"{since_s:.1f} of {self._observe_s:.0f} s since {self._fault.kind} "
                f"of {self._fault.target}"
            )
        line = Text(self._phase, style="bold")
        return line.append(f"  {when}; {self._pace()}", style="not bold")

    def _table(self) -> Table:
        behaviours = list(dict.fromkeys(b for _, _, b in self._clients))
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
        table.add_column("failing clients", style="dim")
        table.add_column("")
        for behaviour in behaviours:
            table.add_column(behaviour, justify="right")
        last = ""
        for qname, kind in dict.fromkeys((q, k) for q, k, _ in self._clients):
            cells = (self._cell((qname, kind, behaviour)) for behaviour in behaviours)
            table.add_row(qname if qname != last else "", kind, *cells)
            last = qname
        return table

    def _cell(self, cell: _Cell) -> Text:
        total = self._clients.get(cell, 0)
        if not total:
            return Text("")
        failing = len(self._failing[cell])
        return Text(f"{failing}/{total}", style="bold red" if failing else "green")


def _told(detail: Mapping[str, Any]) -> str:
    """Return what a phase is, and which of its kind if the story names it."""
    phase, label = str(detail["phase"]), str(detail.get("label", ""))
    what = _PHASES.get(phase, phase)
    return f"{what}: {label}" if label and label != phase else what

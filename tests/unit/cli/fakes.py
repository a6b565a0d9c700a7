"""A live world that does as it is told, for commands that need one."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lab.history import Attempt, Event, EventKind, History
from lab.live.faults import Effect
from lab.live.status import LabStatus
from lab.live.trace import Wanted
from lab.plan.build import build
from lab.plan.model import Plan
from lab.report.journey import Hop
from lab.scenario.model import FaultKind, Scenario
from lab.topology.model import Topology


@dataclass
class FakeLive:
    """Remembers what it was told, in `log`; raises what it was given, when told."""

    history: History = field(default_factory=lambda: History(events=(), attempts=()))
    found: LabStatus = field(default_factory=lambda: LabStatus(lab="mine"))
    run_error: BaseException | None = None
    down_error: BaseException | None = None
    log: list[str] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)
    kernel: str = "[]"
    exact: bool = True
    execute_error: BaseException | None = None
    hops: tuple[Hop, ...] = ()

    @contextmanager
    def world(self, lab: str, **_: object) -> Iterator[FakeLive]:
        """Stand in for `lab.cli.context.world`."""
        yield self

    def plan(self, topology: Topology, *, profile: str) -> Plan:
        return build(topology, profile=profile)

    def up(self, plan: Plan) -> Iterator[Event]:
        self.log.append("up")
        for node in plan.nodes:
            for condition in node.conditions:
                detail = {"condition": condition.text}
                yield Event(
                    at_ns=0,
                    kind=EventKind.READY,
                    node=node.name,
                    uncertainty_ns=0,
                    detail=detail,
                )

    def attach(self) -> None:
        self.log.append("attach")

    def status(self) -> LabStatus:
        return self.found

    def versions(self) -> dict[str, str]:
        return {"bird": "BIRD version 2.17.1"}

    def run(
        self, topology: Topology, scenario: Scenario
    ) -> Generator[Event | Attempt, None, None]:
        self.log.append("run")
        yield from self.history.events  # those who report attempts are slower
        yield from self.history.attempts
        if self.run_error:
            raise self.run_error

    def inject(self, kind: FaultKind, target: str, **amounts: float) -> Effect:
        much = (f"{name} {value:g}" for name, value in amounts.items() if value)
        self.log.append(" ".join((kind, target, *much)))
        return Effect(at_ns=0, uncertainty_ns=1_500_000)

    def undo(self, target: str) -> Mapping[str, str]:
        self.log.append(f"undo {target}")
        return {t: s for t, s in self.found.suffering.items() if t != target}

    def runs(self, topology: Topology, *, profile: str) -> bool:
        return self.exact

    def execute(self, node: str, *argv: str, timeout_s: float = 30) -> dict[str, Any]:
        self.log.append(" ".join((node, *argv)))
        if self.execute_error:
            raise self.execute_error
        said = {"stdout": self.kernel} if argv[0] == "ip" else self.said
        return {"stdout": "said\n", "stderr": "aside\n", "status": 7} | said

    def address_book(self) -> dict[str, str]:
        return {"10.0.0.3": "transit-a"}

    def trace(self, topology: Topology, asked: Wanted) -> tuple[Hop, ...]:
        self.log.append(f"trace {asked.qname} by {asked.resolver.name}")
        return self.hops

    def down(self) -> None:
        self.log.append("down")
        if self.down_error:
            raise self.down_error

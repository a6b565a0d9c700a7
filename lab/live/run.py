"""One run of a scenario on a running lab: agents, captures, steps, and what is seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from lab.errors import WorldError
from lab.history import Attempt, Event, EventKind
from lab.live.agents import Agents, FirstReplies, running_agents
from lab.live.capture import capturing, filters
from lab.live.channel import ENDED, TEXT, Message
from lab.live.daemons import registry
from lab.live.fleet import FAILURE, Fleet
from lab.live.load import processor_s, received_bytes
from lab.live.observing import Observer
from lab.live.rtt import measured
from lab.live.steps import Conductor
from lab.live.wire import carried
from lab.plan.model import Role
from lab.scenario.model import Ask, Scenario
from lab.topology.model import Topology

#: How long first replies may take after everybody has asked once.
_FIRST_REPLIES_S = 30.0
#: With these a stretch of the story begins: the next look at the load is due.
_LOOK_AT = frozenset({"prime", "observe", "ask", "undo", "restore", "restored", "over"})
#: A conductor that is given up is at most one command away from its next look.
_GIVE_UP_S = 20.0


class Run:
    """A scenario being carried out: several threads, one queue of records."""

    def __init__(
        self,
        fleet: Fleet,
        topology: Topology,
        scenario: Scenario,
        *,
        capture: Path | None,
        ready_deadline_s: float,
    ) -> None:
        """Begin nothing yet, but the run's clock."""
        self._fleet = fleet
        self._topology = topology
        self._scenario = scenario
        self._capture = capture
        self._ready_deadline_s = ready_deadline_s
        self._queue: SimpleQueue[Event | Attempt | BaseException | None] = SimpleQueue()
        self._first_replies = FirstReplies(scenario.watch)
        self._given_up = threading.Event()
        self._agents_said: dict[str, str] = {}
        self._stopping = False
        self._observer = Observer(
            origin_ns=time.monotonic_ns(),
            parsers={
                m.node: registry.parse_log(m.stem) for m in fleet.members.values()
            },
            regions={str(r.address): r.name for r in topology.regions},
        )

    def records(self) -> Generator[Event | Attempt, None, None]:
        """Yield events and attempts as they are seen, to the end of the last step.

        Closing the iterator gives the run up: agents and captures end, the lab stays
        as it then is.
        """
        thread = threading.Thread(target=self._work, name="conductor", daemon=True)
        with self._fleet.listening(self._hear_node):
            thread.start()
            try:
                while (record := self._queue.get()) is not None:
                    if isinstance(record, BaseException):
                        raise record
                    yield record
            finally:
                self._given_up.set()
                self._first_replies.abandon()
                thread.join(_GIVE_UP_S)

    def _work(self) -> None:
        try:
            self._conduct()
        except BaseException as exc:  # raised again where the records are consumed
            self._queue.put(exc)
        else:
            self._queue.put(None)

    def _conduct(self) -> None:
        self._act()
        if self._capture is not None:
            seen = carried(
                self._topology,
                self._capture,
                wall_ns_at_start=self._wall_ns_at_start(),
            )
            for event in seen:
                self._queue.put(event)

    def _act(self) -> None:
        with ExitStack() as stack:
            if self._capture is not None:
                wanted = filters(self._topology)
                stack.enter_context(capturing(self._fleet, wanted, self._capture))
            self._phase("start", wall_ns=self._wall_ns_at_start())
            self._measure_round_trips()
            agents = stack.enter_context(
                running_agents(
                    self._fleet,
                    self._topology,
                    self._scenario.watch,
                    self._hear_agent,
                    also=_asking(self._scenario),
                )
            )
            try:
                self._tell_the_story(agents)
            finally:  # what ends the story ends the agents too
                self._stopping = True
            self._phase("end", agents=agents.stop())

    def _tell_the_story(self, agents: Agents) -> None:
        slowest_s = max((c.interval_ms for c in self._scenario.watch), default=0) / 1000
        self._first_replies.wait(slowest_s + _FIRST_REPLIES_S)
        self._phase("first-replies")
        # Beside the story: a step's time would be longer by the look.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="load") as looking:
            self._conductor(agents, looking).carry_out()

    def _conductor(self, agents: Agents, looking: Executor) -> Conductor:
        def emit(event: Event) -> None:
            self._queue.put(event)
            if event.kind is EventKind.PHASE and event.detail["phase"] in _LOOK_AT:
                looking.submit(self._look_at_load, event.detail["phase"])

        return Conductor(
            fleet=self._fleet,
            topology=self._topology,
            scenario=self._scenario,
            agents=agents,
            observer=self._observer,
            emit=emit,
            given_up=self._given_up,
            ready_deadline_s=self._ready_deadline_s,
        )

    def _hear_node(self, node: str, message: Message) -> None:
        if message["kind"] == FAILURE:
            self._queue.put(message["error"])
            return
        record = self._observer.from_node(node, message)
        if record is not None:
            self._queue.put(record)

    def _hear_agent(self, node: str, message: Message) -> None:
        if message["type"] == TEXT:
            self._agents_said[node] = message["line"]
        if message["type"] == ENDED and not self._stopping:
            said = self._agents_said.get(node, "without a word")
            self._queue.put(WorldError(f"{node}: the client agent has ended: {said}"))
            return
        record = self._observer.from_agent(node, message)
        if isinstance(record, Attempt):
            self._first_replies.see(record)
        if record is not None:
            self._queue.put(record)

    def _measure_round_trips(self) -> None:
        for node, detail in measured(self._fleet, self._topology):
            now_ns = time.monotonic_ns()
            event = self._observer.event(EventKind.RTT, now_ns, detail, node=node)
            self._queue.put(event)

    def _look_at_load(self, phase: str) -> None:
        servers = self._fleet.nodes(Role.PARENT, Role.PROVIDER, Role.RESOLVER)
        balancers = self._fleet.nodes(Role.L4, Role.L7)
        try:
            detail = {
                "phase": phase,
                "cpu_s": processor_s(self._fleet, servers),
                "received_bytes": received_bytes(self._fleet, balancers),
            }
        except Exception as error:  # raised again where the records are consumed
            self._queue.put(error)
            return
        now_ns = time.monotonic_ns()
        self._queue.put(self._observer.event(EventKind.LOAD, now_ns, detail))

    def _phase(self, phase: str, **facts: object) -> None:
        now_ns = time.monotonic_ns()
        detail = {"phase": phase, **facts}
        self._queue.put(self._observer.event(EventKind.PHASE, now_ns, detail))

    def _wall_ns_at_start(self) -> int:
        """Return the wall clock's time at the run's start, for packet captures."""
        return time.time_ns() - (time.monotonic_ns() - self._observer.origin_ns)


def _asking(scenario: Scenario) -> frozenset[str]:
    """Return the access networks from which bursts of questions are put."""
    asks = (step for step in scenario.steps if isinstance(step, Ask))
    return frozenset(q.access for ask in asks for q in ask.questions)

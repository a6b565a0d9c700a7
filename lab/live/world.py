"""The live world: `lab.world.World` with the container engine below it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.errors import WrongUse
from lab.history import Attempt, Event, EventKind
from lab.live import bringup, faults
from lab.live.channel import Message, replies
from lab.live.containers import Container, containers
from lab.live.daemons import registry
from lab.live.engine import Engine
from lab.live.fleet import Fleet, Member
from lab.live.links import picking
from lab.live.naming import DIGEST, plan_digest
from lab.live.observing import Observer
from lab.live.readiness import check_again, until_ready, waiting
from lab.live.recovery import bring_back
from lab.live.run import Run
from lab.live.stages import image_name
from lab.live.status import LabStatus, lab_status
from lab.live.trace import Wanted, address_book, journey
from lab.plan.build import build
from lab.plan.links import default_subnets, wire
from lab.plan.model import Plan
from lab.report.journey import Hop
from lab.scenario.model import Fault, FaultKind, Scenario
from lab.topology.model import Topology

_COMMAND_S = 10.0
READY_DEADLINE_S = 60.0


class LiveWorld:
    """One lab in the engine, by name; a context manager that leaves it running."""

    def __init__(
        self,
        engine: Engine,
        lab: str,
        *,
        image_of: Callable[[str], str] = image_name,
        ready_deadline_s: float = READY_DEADLINE_S,
        capture: Path | None = None,
    ) -> None:
        """Work on the lab of that name, which need not exist.

        Args:
            engine: The engine, which stays the caller's.
            lab: Name of the lab, the value of its label.
            image_of: Image reference of a stem.
            ready_deadline_s: How long `up` and a restore wait for the conditions.
            capture: Folder for packet captures of runs; None for none.
        """
        self._engine = engine
        self._lab = lab
        self._image_of = image_of
        self._ready_deadline_s = ready_deadline_s
        self._capture = capture
        self._fleet: Fleet | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the channels."""
        self._close()

    def plan(self, topology: Topology, *, profile: str) -> Plan:
        """Return the topology's plan on subnets that are the lab's from now on."""
        subnets = bringup.reserve(self._engine, self._lab, topology)
        return build(topology, profile=profile, subnets=subnets)

    def runs(self, topology: Topology, *, profile: str) -> bool:
        """Tell whether the lab was started from exactly this."""
        found = self._engine.containers(self._lab)
        there = bringup.subnets_by_link(self._engine.networks(self._lab))
        names = [x.name for x in wire(topology, default_subnets(topology)).links]
        if set(names) != set(there):
            return False
        subnets = tuple(there[name] for name in names)
        digest = plan_digest(build(topology, profile=profile, subnets=subnets))
        return {container.labels[DIGEST] for container in found} == {digest}

    def up(self, plan: Plan) -> Iterator[Event]:
        """Start what does not run; yield readiness events until all conditions hold.

        A lab that runs from the same plan is used again, all conditions checked anew;
        another one of the same name is removed first, and an event says why.

        Raises:
            NotReady: A condition missed its deadline, or a node ended.
        """
        observer = Observer(origin_ns=time.monotonic_ns(), parsers={}, regions={})
        wanted = containers(self._lab, plan, self._image_of)
        why = self._obstacle(plan, wanted)
        if why:
            yield _phase(observer, "remove", why=why)
            with picking():  # else another lab could get the plan's subnets in between
                self.down()
                bringup.create_networks(self._engine, self._lab, plan)
        nodes = [c.node for c in wanted]
        reused = self._fleet is not None
        fleet = self._fleet = self._fleet or Fleet(self._engine)
        with ExitStack() as stack:
            inbox = stack.enter_context(fleet.inbox())
            since_ns: dict[str, int] = {}
            if reused:
                yield _phase(observer, "check")
                since_ns = check_again(fleet, nodes)
            else:
                yield _phase(observer, "start", containers=len(wanted))
                bringup.create_networks(self._engine, self._lab, plan)
                stack.callback(bringup.start(self._engine, fleet, wanted))
            for node, message in until_ready(
                fleet,
                inbox,
                nodes,
                deadline_s=self._ready_deadline_s,
                since_ns=since_ns,
            ):
                event = observer.from_node(node, message)
                if event:
                    yield event
        yield _phase(observer, "ready")

    def _obstacle(self, plan: Plan, wanted: tuple[Container, ...]) -> str:
        """Return why what exists must go; attach to it if it can be used as it is."""
        self._close()
        found = self._engine.containers(self._lab)
        why = bringup.obstacle_to_networks(self._engine, self._lab, plan)
        if not found or why:
            return why
        why = bringup.obstacle_to_reuse(self._engine, found, wanted)
        if why:
            return why
        self.attach()
        down = _down(self._attached())
        if down:
            return f"daemons do not run: {', '.join(down)}"
        suffering = faults.suffering(self._attached())
        return ", ".join(f"{target} is {state}" for target, state in suffering.items())

    def attach(self) -> None:
        """Open the channels to a lab that runs, whoever started it.

        Raises:
            WrongUse: It does not run.
        """
        self._close()
        found = self._engine.containers(self._lab)
        running = [f for f in found if f.state == "running"]
        if not running:
            raise WrongUse(f'no lab "{self._lab}" runs; `lab up` starts one')
        fleet = self._fleet = Fleet(self._engine)
        self._engine.each(
            fleet.attach, [Member.from_labels(f.labels, f.id) for f in running]
        )

    def down(self) -> None:
        """Remove everything that carries the lab's label."""
        self._close()
        self._engine.remove(self._lab)

    def run(
        self, topology: Topology, scenario: Scenario
    ) -> Generator[Event | Attempt, None, None]:
        """Carry out the steps in order; yield what is seen, as it is seen.

        Raises:
            WrongUse: The lab does not run.
            NotReady: Clients got no first reply, or the lab did not recover.
        """
        run = Run(
            self._attached(),
            topology,
            scenario,
            capture=self._capture,
            ready_deadline_s=self._ready_deadline_s,
        )
        return run.records()

    def status(self) -> LabStatus:
        """Return what the engine and the nodes say about the lab."""
        found = self._engine.containers(self._lab)
        if not any(f.state == "running" for f in found):
            return lab_status(self._lab, found)
        self.attach()
        fleet = self._attached()
        return lab_status(
            self._lab,
            found,
            down=_down(fleet),
            missing=waiting(fleet, tuple(fleet.channels)),
            suffering=faults.suffering(fleet),
        )

    def execute(self, node: str, *argv: str, timeout_s: float = 30) -> Message:
        """Run a program in a node; the reply has `stdout`, `stderr` and `status`.

        Raises:
            WrongUse: There is no such node.
        """
        fleet = self._attached()
        if node not in fleet.channels:
            known = ", ".join(sorted(fleet.channels))
            raise WrongUse(f'no node "{node}"; the lab has: {known}')
        asked = fleet.channels[node].request("run", argv=argv, timeout_s=timeout_s)
        return asked.reply(timeout_s + 1)

    def address_book(self) -> Mapping[str, str]:
        """Return which node has a link's address."""
        return address_book(self._attached())

    def trace(self, topology: Topology, asked: Wanted) -> tuple[Hop, ...]:
        """Make one request and return what every layer did with it, in its order."""
        return journey(self._attached(), topology, asked)

    def inject(
        self, kind: FaultKind, target: str, *, loss: float = 0.0, extra_ms: float = 0.0
    ) -> faults.Effect:
        """Let a target suffer a fault, outside of any scenario.

        Raises:
            WrongUse: It cannot, or not now, or not by that much.
        """
        try:
            fault = Fault(kind=kind, target=target, loss=loss, extra_ms=extra_ms)
        except ValueError as exc:
            raise WrongUse(str(exc)) from exc
        return faults.inject(self._attached(), fault)

    def undo(self, target: str) -> Mapping[str, str]:
        """Undo a target's fault and wait until every condition holds again.

        While others suffer that cannot be, so it is not waited for.

        Returns:
            The state of each target that still suffers.
        """
        fleet = self._attached()
        faults.demand_a_fault(fleet, target)
        faults.restore(fleet, target)
        if others := faults.suffering(fleet):
            return others
        for _ in bring_back(fleet, target, deadline_s=self._ready_deadline_s):
            pass
        return {}

    def versions(self) -> dict[str, str]:
        """Return the version of each program of the lab, as it says itself."""
        fleet = self._attached()
        places = {
            argv: member.node
            for member in fleet.members.values()
            for argv in registry.version_argv(member.stem)
        }
        asked = {
            argv[0]: fleet.channels[node].request("run", argv=argv)
            for argv, node in places.items()
        }
        return {
            program: _version_in(reply["stdout"] or reply["stderr"])
            for program, reply in sorted(replies(asked, _COMMAND_S).items())
        }

    def _attached(self) -> Fleet:
        if self._fleet is None:
            self.attach()
        assert self._fleet is not None
        return self._fleet

    def _close(self) -> None:
        if self._fleet is not None:
            self._fleet.close()
            self._fleet = None


def _version_in(text: str) -> str:
    """Return the first dotted number of what a program says about itself, or all."""
    number = re.search(r"\d+(\.\d+)+", text)
    return number[0] if number else text.strip()


def _down(fleet: Fleet) -> dict[str, tuple[str, ...]]:
    """Return the daemons that do not run, by node, where there are any."""
    told = replies(fleet.request("status"), _COMMAND_S)
    down = {
        node: tuple(p for p in reply["processes"] if p not in reply["running"])
        for node, reply in told.items()
    }
    return {node: daemons for node, daemons in down.items() if daemons}


def _phase(observer: Observer, phase: str, **facts: object) -> Event:
    now_ns = time.monotonic_ns()
    return observer.event(EventKind.PHASE, now_ns, {"phase": phase, **facts})

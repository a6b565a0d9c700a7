"""A scenario's steps, carried out one after the other on a running lab."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import singledispatchmethod

from lab.errors import WorldError
from lab.history import Event, EventKind
from lab.live import faults
from lab.live.agents import Agents, Sight
from lab.live.asking import Asking
from lab.live.channel import output_of, replies
from lab.live.daemons import registry
from lab.live.fleet import Fleet
from lab.live.observing import Observer
from lab.live.recovery import bring_back, flush
from lab.plan.model import Role
from lab.scenario.model import (
    Ask,
    Fault,
    FaultKind,
    Observe,
    Prime,
    ProveCache,
    Restore,
    Scenario,
    Step,
    Undo,
)
from lab.topology.model import Topology

_NS = 1_000_000_000
_COMMAND_S = 5.0
#: How long the caches may take to be empty and filled anew.
_PRIME_S = 5.0


class GivenUp(WorldError):
    """The run was given up by whoever consumed it."""


class Conductor:
    """Carries out one scenario; runs in a thread of its own."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        topology: Topology,
        scenario: Scenario,
        agents: Agents,
        observer: Observer,
        emit: Callable[[Event], None],
        given_up: threading.Event,
        ready_deadline_s: float,
    ) -> None:
        """Know the lab, the story, the clients, and where events go.

        Once `given_up` is set, the next wait raises `GivenUp`.
        """
        self._fleet = fleet
        self._topology = topology
        self._steps = self._ahead = scenario.steps
        self._agents = agents
        self._observer = observer
        self._emit = emit
        self._ready_deadline_s = ready_deadline_s
        self._given_up = given_up
        self._primed: tuple[Sight, ...] = ()
        self._primed_ns = 0
        self._armed: dict[str, faults.Strike] = {}
        self._stage: tuple[Fault, faults.Strike] | None = None
        #: Faults by target, in order; those undone stay until the lab is as before.
        self._struck: dict[str, Fault] = {}
        self._in_force: dict[str, int] = {}
        self._asking: list[Asking] = []

    def carry_out(self) -> None:
        """Carry out every step in order."""
        for number, step in enumerate(self._steps, start=1):
            self._ahead = self._steps[number:]
            self._do(step)
        self._finish_stage()
        self._finish_asking()
        self._phase("over")  # what follows is no longer part of the last step

    @singledispatchmethod
    def _do(self, step: Step) -> None:
        raise TypeError(f"no way to carry out {step!r}")

    @_do.register
    def _prime(self, _: Prime) -> None:
        """Empty every cache, ask once: the latest answer's arrival is age 0.

        A resolver that tells a TTL of 0 time and again has none to empty: a result.
        """
        self._phase("prime")
        deadline_ns = time.monotonic_ns() + int(_PRIME_S * _NS)
        while True:
            emptied_ns = self._empty_caches()
            self._primed = self._agents.query()
            old = [sight for sight in self._primed if self._is_old(sight)]
            if not old:
                break
            if time.monotonic_ns() > deadline_ns:
                if kept := next((sight for sight in old if sight.ttl_s), None):
                    raise WorldError(f"caches keep old answers: {_told(kept)}")
                break
            self._raise_if_given_up()
        self._primed_ns = max(sight.at_ns for sight in self._primed)
        self._phase(
            "primed",
            at_ns=self._primed_ns,
            uncertainty_ns=self._primed_ns - emptied_ns,
            answers=[_told(sight) for sight in self._primed],
        )
        self._arm_next_fault()

    def _is_old(self, sight: Sight) -> bool:
        return sight.ttl_s < self._topology.timers_of(sight.pair.qname).ttl_s - 1

    def _empty_caches(self) -> int:
        """Let resolvers, then clients, forget; return the earliest moment of it.

        A resolver that serves stale answers gives an emptied one once more and looks
        for a new one behind it, so each is asked in between.
        """
        behind = {r.name: r.forwards_to for r in self._topology.resolvers}
        asked = {pair.resolver for pair in self._agents.pairs}
        resolvers = asked | {other for name in asked if (other := behind[name])}
        emptied_ns = flush(self._fleet, resolvers, self._topology.zone.name)
        self._agents.query()
        self._agents.flush()
        return emptied_ns

    def _arm_next_fault(self) -> None:
        fault = next((s for s in self._ahead if isinstance(s, Fault | Prime)), None)
        if not isinstance(fault, Fault) or fault.at_age_s is None:
            return
        at_ns = self._primed_ns + int(fault.at_age_s * _NS)
        if at_ns - time.monotonic_ns() < faults.LEAD_S * _NS:
            raise WorldError(
                f"the fault is due {fault.at_age_s:g} s after priming, and that is "
                f"less than {faults.LEAD_S:g} s from now: too soon to agree on"
            )
        self._armed[fault.label] = self._arm(fault, at_ns)

    def _arm(self, fault: Fault, at_ns: int) -> faults.Strike:
        """Agree on a fault, and on what follows it later."""
        strike = faults.arm(self._fleet, fault, at_ns)
        if fault.kind is FaultKind.DRAIN:
            stop_ns = at_ns + int(fault.drain_s * _NS)
            stop = faults.arm_stop(self._fleet, fault.target, stop_ns)
            self._stage = (fault, stop)
        return strike

    @_do.register
    def _prove_cache(self, step: ProveCache) -> None:
        """Show that answers come from caches: TTLs fall, no authority is asked."""
        self._phase("prove-cache")
        asked_before = self._authority_queries()
        self._wait_until(self._primed_ns + int(step.until_s * _NS))
        after = {sight.pair: sight for sight in self._agents.query()}
        asked = self._authority_queries() - asked_before
        for before in self._primed:
            later = after[before.pair]
            self._emit(
                self._observer.event(
                    EventKind.CACHE_PROOF,
                    later.at_ns,
                    {
                        "resolver": before.pair.resolver,
                        "name": before.pair.qname,
                        "ttl_before": before.ttl_s,
                        "ttl_after": later.ttl_s,
                        "elapsed_s": (later.at_ns - before.at_ns) / _NS,
                        "authority_queries": asked,
                    },
                )
            )

    def _authority_queries(self) -> int:
        requests = {
            node: self._fleet.channels[node].request(
                "run", argv=registry.query_count_argv(self._fleet.members[node].stem)
            )
            for node in self._fleet.nodes(Role.PROVIDER)
        }
        return sum(
            registry.query_count(
                self._fleet.members[node].stem, output_of(reply, node, ())
            )
            for node, reply in replies(requests, _COMMAND_S).items()
        )

    @_do.register
    def _suffer(self, fault: Fault) -> None:
        """Let the fault happen, armed by priming or now; say when it took effect."""
        self._phase("fault", label=fault.label)
        strike = self._armed.pop(fault.label, None)
        if strike is None and fault.at_age_s is not None:
            raise WorldError("a fault's age counts from priming: no step primes before")
        if strike is None:
            at_ns = time.monotonic_ns() + int(faults.LEAD_S * _NS)
            strike = self._arm(fault, at_ns)
        self._wait_until(strike.at_ns)
        effect = strike.effect()
        self._struck[fault.target] = fault
        self._in_force[fault.target] = effect.at_ns
        age_s = (effect.at_ns - self._primed_ns) / _NS if self._primed_ns else None
        self._tell(EventKind.FAULT, effect, fault, age_s=age_s)
        for node, (least_ns, most_ns) in effect.silent.items():
            silence = self._observer.event(
                EventKind.SILENCE,
                most_ns,
                {"target": fault.target, "label": fault.label},
                node=node,
                uncertainty_ns=most_ns - least_ns,
            )
            self._emit(silence)

    @_do.register
    def _observe(self, step: Observe) -> None:
        """Let time pass; the clients and the nodes tell what they see."""
        self._phase("observe", label=step.label)
        self._finish_stage()
        now_ns = time.monotonic_ns()
        since_ns = max(self._in_force.values(), default=now_ns)
        if step.from_now:
            since_ns = now_ns
        self._wait_until(since_ns + int(step.for_s * _NS))

    @_do.register
    def _ask(self, step: Ask) -> None:
        """Put all questions at once; wait for the answers, or go on meanwhile."""
        self._phase("ask", label=step.label)
        asking = Asking(self._agents, self._topology, step)
        if step.behind:
            self._asking.append(asking)
            return
        for event in asking.told(self._observer):
            self._emit(event)
        self._raise_if_given_up()

    def _finish_asking(self) -> None:
        for asking in self._asking:
            for event in asking.told(self._observer):
                self._emit(event)

    def _finish_stage(self) -> None:
        if self._stage is None:
            return
        (fault, strike), self._stage = self._stage, None
        self._wait_until(strike.at_ns)
        effect = strike.effect()
        self._tell(EventKind.FAULT_STAGE, effect, fault, stage="stop")

    @_do.register
    def _undo(self, step: Undo) -> None:
        """Undo one fault; what it takes until all is well again is not waited for."""
        self._phase("undo", label=step.label)
        if step.target not in self._in_force:
            raise WorldError(f"nothing to undo: {step.target} suffers from no fault")
        struck_ns = self._in_force.pop(step.target)
        self._wait_until(struck_ns + int(step.after_s * _NS))
        effect = faults.restore(self._fleet, step.target)
        self._tell(EventKind.RESTORE, effect, self._struck[step.target])

    @_do.register
    def _restore(self, _: Restore) -> None:
        """Undo every fault; every condition of every node must hold again."""
        self._finish_stage()
        if not self._struck:
            raise WorldError("nothing to restore: no fault came before")
        self._phase("restore")
        *others, last = self._struck
        for target in others:
            self._tell(
                EventKind.RESTORE,
                faults.restore(self._fleet, target),
                self._struck[target],
            )
        effect = None
        for undone in bring_back(self._fleet, last, deadline_s=self._ready_deadline_s):
            if effect is None:
                effect = undone
                self._tell(EventKind.RESTORE, effect, self._struck[last])
            self._raise_if_given_up()
        self._struck.clear()
        self._in_force.clear()
        self._phase("restored")

    def _tell(
        self, kind: EventKind, effect: faults.Effect, fault: Fault, **facts: object
    ) -> None:
        detail = {
            "kind": fault.kind.value,
            "target": fault.target,
            "label": fault.label,
            **fault.amounts,
            **facts,
        }
        uncertainty_ns = effect.uncertainty_ns
        event = self._observer.event(
            kind, effect.at_ns, detail, uncertainty_ns=uncertainty_ns
        )
        self._emit(event)

    def _phase(
        self,
        phase: str,
        *,
        at_ns: int | None = None,
        uncertainty_ns: int = 0,
        **facts: object,
    ) -> None:
        self._raise_if_given_up()
        t_ns = time.monotonic_ns() if at_ns is None else at_ns
        self._emit(
            self._observer.event(
                EventKind.PHASE,
                t_ns,
                {"phase": phase, **facts},
                uncertainty_ns=uncertainty_ns,
            )
        )

    def _wait_until(self, t_ns: int) -> None:
        self._given_up.wait(max(0.0, (t_ns - time.monotonic_ns()) / _NS))
        self._raise_if_given_up()

    def _raise_if_given_up(self) -> None:
        if self._given_up.is_set():
            raise GivenUp("the run was given up")


def _told(sight: Sight) -> dict[str, object]:
    return {
        "resolver": sight.pair.resolver,
        "name": sight.pair.qname,
        "ttl_s": sight.ttl_s,
        "addresses": list(sight.addresses),
    }

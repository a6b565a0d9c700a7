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
from lab.live.channel import output_of, replies
from lab.live.daemons import registry
from lab.live.fleet import Fleet
from lab.live.observing import Observer
from lab.live.recovery import bring_back, flush
from lab.plan.model import Role
from lab.scenario.model import (
    Fault,
    FaultKind,
    Observe,
    Prime,
    ProveCache,
    Restore,
    Scenario,
    Step,
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
        self._steps = scenario.steps
        self._agents = agents
        self._observer = observer
        self._emit = emit
        self._ready_deadline_s = ready_deadline_s
        self._given_up = given_up
        self._primed: tuple[Sight, ...] = ()
        self._primed_ns = 0
        self._strike: faults.Strike | None = None
        self._stage: tuple[Fault, faults.Strike] | None = None
        self._fault: Fault | None = None
        self._fault_ns = 0

    def carry_out(self) -> None:
        """Carry out every step in order."""
        for step in self._steps:
            self._do(step)
        self._finish_stage()

    @singledispatchmethod
    def _do(self, step: Step) -> None:
        raise TypeError(f"no way to carry out {step!r}")

    @_do.register
    def _prime(self, _: Prime) -> None:
        """Empty every cache, ask once: the latest answer's arrival is age 0."""
        self._phase("prime")
        deadline_ns = time.monotonic_ns() + int(_PRIME_S * _NS)
        while True:
            emptied_ns = self._empty_caches()
            self._primed = self._agents.query()
            old = [s for s in self._primed if s.ttl_s < self._topology.timers.ttl_s - 1]
            if not old:
                break
            if time.monotonic_ns() > deadline_ns:
                raise WorldError(f"caches keep old answers: {_told(old[0])}")
            self._raise_if_given_up()
        self._primed_ns = max(sight.at_ns for sight in self._primed)
        self._phase(
            "primed",
            at_ns=self._primed_ns,
            uncertainty_ns=self._primed_ns - emptied_ns,
            answers=[_told(sight) for sight in self._primed],
        )
        self._arm_next_fault()

    def _empty_caches(self) -> int:
        """Let resolvers, then clients, forget; return the earliest moment of it.

        A resolver that serves stale answers gives an emptied one once more and looks
        for a new one behind it, so each is asked in between.
        """
        resolvers = {pair.resolver for pair in self._agents.pairs}
        emptied_ns = flush(self._fleet, resolvers, self._topology.zone.name)
        self._agents.query()
        self._agents.flush()
        return emptied_ns

    def _arm_next_fault(self) -> None:
        fault = next((s for s in self._steps if isinstance(s, Fault)), None)
        if fault is None:
            return
        at_ns = self._primed_ns + int(fault.at_age_s * _NS)
        if at_ns - time.monotonic_ns() < faults.LEAD_S * _NS:
            raise WorldError(
                f"the fault is due {fault.at_age_s:g} s after priming, and that is "
                f"less than {faults.LEAD_S:g} s from now: too soon to agree on"
            )
        self._strike = faults.arm(self._fleet, fault.kind, fault.target, at_ns)
        if fault.kind is FaultKind.DRAIN:
            stop_ns = at_ns + int(fault.drain_s * _NS)
            stop = faults.arm_stop(self._fleet, fault.target, stop_ns)
            self._stage = (fault, stop)

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
        """Wait for the fault that priming has armed, and say when it took effect."""
        if self._strike is None:
            raise WorldError("a fault's age counts from priming: no step primes before")
        self._phase("fault")
        self._wait_until(self._strike.at_ns)
        effect = self._strike.effect()
        self._fault, self._fault_ns = fault, effect.at_ns
        age_s = (effect.at_ns - self._primed_ns) / _NS
        self._tell(EventKind.FAULT, effect, fault, age_s=age_s)

    @_do.register
    def _observe(self, step: Observe) -> None:
        """Let time pass; the clients and the nodes tell what they see."""
        self._phase("observe")
        self._finish_stage()
        self._wait_until(self._fault_ns + int(step.for_s * _NS))

    def _finish_stage(self) -> None:
        if self._stage is None:
            return
        (fault, strike), self._stage = self._stage, None
        self._wait_until(strike.at_ns)
        effect = strike.effect()
        self._tell(EventKind.FAULT_STAGE, effect, fault, stage="stop")

    @_do.register
    def _restore(self, _: Restore) -> None:
        """Undo the fault; every condition of every node must hold again."""
        self._finish_stage()
        if self._fault is None:
            raise WorldError("nothing to restore: no fault came before")
        self._phase("restore")
        effect = None
        for undone in bring_back(
            self._fleet, self._fault.target, deadline_s=self._ready_deadline_s
        ):
            if effect is None:
                effect = undone
                self._tell(EventKind.RESTORE, effect, self._fault)
            self._raise_if_given_up()
        self._phase("restored")

    def _tell(
        self, kind: EventKind, effect: faults.Effect, fault: Fault, **facts: object
    ) -> None:
        detail = {"kind": fault.kind.value, "target": fault.target, **facts}
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

"""A history as a lab would make it, from first principles and without the bounds.

A small model of what really happens: resolvers that count whole seconds, stubs that
keep what they are told, providers that decide at their own time, a route that moves.
Each knob of `Physics` that differs from its default is one way for a lab to be broken.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.history import Answer, Attempt, Event, EventKind, History, Outcome, Try
from lab.scenario.bounds import lifetime_s
from lab.scenario.forecast import catchment
from lab.scenario.model import (
    Behaviour,
    Cohort,
    Fault,
    FaultKind,
    Observe,
    ProveCache,
    Scenario,
)
from lab.topology.distance import round_trips_s
from lab.topology.model import (
    AnycastName,
    Failover,
    Resolver,
    ResolverBehaviour,
    Topology,
)

NS = 1_000_000_000
PRIMED_S = 2.25


@dataclass(frozen=True, kw_only=True)
class Physics:
    """How this lab behaves; the defaults are a healthy one."""

    seed: int = 1
    route_moves_s: float = 0.45
    decided_s: dict[str, float] = field(
        default_factory=lambda: {"provider-a": 1.2, "provider-b": 4.3}
    )
    resolvers_cache: bool = True
    stubs_cache: bool = True
    clamps: bool = True
    serves_stale: bool = True
    pins: bool = True
    anycast_drains_well: bool = True
    rotates: bool = True
    #: Share of a core that the first provider needs; all others need a tenth of it.
    busy: float = 0.01
    links_are_as_declared: bool = True


@dataclass
class _Entry:
    addresses: tuple[str, ...]
    fetched_s: int
    life_s: int


class _Sim:
    def __init__(self, topology: Topology, scenario: Scenario, how: Physics) -> None:
        self.topology, self.scenario, self.how = topology, scenario, how
        self.random = random.Random(how.seed)
        self.fault = next(s for s in scenario.steps if isinstance(s, Fault))
        self.fault_s = PRIMED_S + self.fault.at_age_s
        self.death_s = self.fault_s + self.fault.drain_s
        observe = next(s for s in scenario.steps if isinstance(s, Observe))
        self.end_s = self.fault_s + observe.for_s
        self.vip = str(topology.anycast.address)
        self.dead = str(topology.region(self.fault.target).address)
        self.served = {
            a.name
            for a in topology.access
            if catchment(topology, a.name) == {self.fault.target}
        }
        self.region_of = {str(r.address): r.name for r in topology.regions}
        self.names = {n.name: n for n in topology.zone.names}
        self.resolvers = {r.name: r for r in topology.resolvers}
        self.second = self.random.random()  # where the wall clock's seconds begin
        self.cache: dict[tuple[str, str], _Entry] = {}
        self.stub: dict[str, Answer] = {}
        self.pin: dict[str, tuple[str, Answer, float]] = {}

    # --- DNS -----------------------------------------------------------------

    def authority(self, qname: str, now_s: float) -> tuple[str, ...]:
        name = self.names[qname]
        match name:
            case AnycastName():
                return (self.vip,)
            case Failover(regions=regions):
                provider = self.random.choice(list(self.how.decided_s))
                knows = now_s - self.fault_s >= self.how.decided_s[provider]
                alive = [r for r in regions if not (knows and r == self.fault.target)]
                return (str(self.topology.region(alive[0]).address),)
        return tuple(str(r.address) for r in self.topology.regions)

    def ask(self, resolver: Resolver, qname: str, now_s: float) -> tuple[Any, int]:
        now = math.floor(now_s + self.second)
        key, entry = (resolver.name, qname), None
        if self.how.resolvers_cache:
            entry = self.cache.get(key)
        keeps_last = resolver.daemon == "unbound"
        if entry and now < entry.fetched_s + entry.life_s + keeps_last:
            return self.rotated(entry), entry.fetched_s + entry.life_s - now
        life_s = lifetime_s(self.topology.timers, resolver)
        if not self.how.clamps:
            life_s = self.topology.timers.ttl_s
        fresh = _Entry(self.authority(qname, now_s), now, life_s)
        self.cache[key] = fresh
        stale = resolver.behaviour is ResolverBehaviour.SERVE_STALE
        if entry and stale and self.how.serves_stale:
            return self.rotated(entry), self.topology.timers.stale_answer_ttl_s
        return self.rotated(fresh), life_s

    def rotated(self, entry: _Entry) -> tuple[str, ...]:
        addresses = list(entry.addresses)
        if self.how.rotates:
            self.random.shuffle(addresses)
        else:
            addresses.sort(key=lambda a: a == self.dead)
        return tuple(addresses)

    # --- a client ------------------------------------------------------------

    def resolve(self, client: str, cohort: Cohort, now_s: float) -> Answer:
        now = _ns(now_s)
        pins = cohort.behaviour is Behaviour.PINNED and self.how.pins
        if pins and client in self.pin:
            address, answer, until_s = self.pin[client]
            if now_s < until_s:
                ended = now >= answer.received_ns + answer.ttl_s * NS
                return _answer("pin" if ended else "stub", (address,), answer)
        held = self.stub.get(client)
        if held and self.how.stubs_cache and now < held.received_ns + held.ttl_s * NS:
            return _answer("stub", held.addresses, held)
        resolver = self.resolvers[cohort.resolver]
        addresses, ttl_s = self.ask(resolver, cohort.qname, now_s)
        if cohort.behaviour is not Behaviour.RETRY_NEXT:
            addresses = addresses[:1]
        answer = Answer(
            source="resolver", addresses=addresses, ttl_s=ttl_s, received_ns=now
        )
        self.stub[client] = answer
        if pins:
            until_s = now_s + self.topology.timers.pin_s
            self.pin[client] = (addresses[0], answer, until_s)
        return answer

    def serves(self, address: str, cohort: Cohort, now_s: float) -> bool:
        since_s = now_s - self.fault_s
        if address == self.dead:
            return now_s < self.death_s - 0.02
        if address != self.vip or cohort.access not in self.served:
            return True
        if self.fault.kind is FaultKind.DRAIN:
            return self.how.anycast_drains_well or not 0 < since_s < 0.5
        gone_s = self.how.route_moves_s
        if self.fault.kind is FaultKind.CRASH:
            gone_s = 0.004
        return not -0.02 < since_s < gone_s

    def attempt(self, client: str, cohort: Cohort, due_s: float) -> Attempt:
        answer = self.resolve(client, cohort, due_s)
        tries = []
        region, now_s = "", due_s
        for address in answer.addresses:
            if self.serves(address, cohort, due_s):
                tries.append(Try(address=address))
                region = self.region_of.get(address, "eu-west")
                now_s += 0.02
                break
            gone = due_s - self.fault_s > self.how.route_moves_s
            tries.append(
                Try(address=address, error="unreachable" if gone else "connect-timeout")
            )
            now_s += 0.01 if gone else 0.3
        return Attempt(
            client=client,
            cohort=cohort.name,
            due_ns=_ns(due_s),
            start_ns=_ns(due_s) + 100_000,
            end_ns=_ns(now_s),
            outcome=Outcome.OK if region else Outcome.FAIL,
            error="" if region else tries[-1].error,
            tries=tuple(tries),
            answer=answer,
            region=region,
        )

    def due(self) -> Iterator[tuple[float, str, Cohort]]:
        for cohort in self.scenario.watch:
            interval_s = cohort.interval_ms / 1000
            for k in range(cohort.clients):
                due_s = self.random.random() * interval_s
                while due_s < self.end_s:
                    yield due_s, f"{cohort.name}#{k}", cohort
                    due_s += interval_s

    # --- the whole run -------------------------------------------------------

    def run(self) -> History:
        attempts, events = [], []
        primed = False
        for due_s, client, cohort in sorted(self.due(), key=lambda d: (d[0], d[1])):
            if due_s >= PRIMED_S and not primed:
                primed = True
                events += self.prime()
            attempts.append(self.attempt(client, cohort, due_s))
        events += [*self.happenings(), *self.ways(), *self.loads()]
        return History(
            events=tuple(sorted(events, key=lambda e: e.at_ns)),
            attempts=tuple(attempts),
        )

    def prime(self) -> list[Event]:
        self.cache.clear()
        self.stub.clear()
        self.pin.clear()
        asked = dict.fromkeys((c.resolver, c.qname) for c in self.scenario.watch)
        proof = next(s for s in self.scenario.steps if isinstance(s, ProveCache))
        told: list[dict[str, Any]] = []
        facts = {"phase": "primed", "answers": told}
        events = [_event(PRIMED_S, EventKind.PHASE, facts, uncertainty_s=1.3)]
        for resolver, qname in asked:
            _, before = self.ask(self.resolvers[resolver], qname, PRIMED_S)
            told.append({"resolver": resolver, "name": qname, "ttl_s": before})
            elapsed_s = proof.until_s
            later = math.floor(PRIMED_S + elapsed_s + self.second)
            passed = later - math.floor(PRIMED_S + self.second)
            events.append(
                _event(
                    PRIMED_S + elapsed_s,
                    EventKind.CACHE_PROOF,
                    {
                        "resolver": resolver,
                        "name": qname,
                        "ttl_before": before,
                        "ttl_after": before - passed * self.how.resolvers_cache,
                        "elapsed_s": elapsed_s,
                        "authority_queries": 0 if self.how.resolvers_cache else 7,
                    },
                )
            )
        return events

    def happenings(self) -> Iterator[Event]:
        facts = {"kind": self.fault.kind.value, "target": self.fault.target}
        yield _event(self.fault_s, EventKind.FAULT, facts, uncertainty_s=0.003)
        if self.fault.kind is FaultKind.DRAIN:
            stop = {**facts, "stage": "stop"}
            yield _event(self.death_s, EventKind.FAULT_STAGE, stop)
        for provider, after_s in self.how.decided_s.items():
            down = {"target": self.fault.target, "state": "down"}
            yield _event(self.fault_s + after_s, EventKind.HEALTH, down, node=provider)
        moved_s = self.how.route_moves_s
        if self.fault.kind is not FaultKind.POWER_OFF:
            moved_s = 0.004
        route = {"change": "changed", "prefix": str(self.topology.anycast.prefix)}
        yield _event(
            self.fault_s + moved_s,
            EventKind.ROUTE,
            {**route, "via": []},
            node="transit-a",
        )

    def ways(self) -> Iterator[Event]:
        longer_ms = 0.2 if self.how.links_are_as_declared else 9.0
        for access in self.topology.access:
            for region in self.topology.regions:
                least_s, most_s = round_trips_s(self.topology, access.name, region.name)
                facts = {
                    "from": access.name,
                    "to": region.name,
                    "rtt_ms": least_s * 1000 + longer_ms,
                    "declared_ms": [least_s * 1000, most_s * 1000],
                }
                yield _event(0.1, EventKind.RTT, facts)

    def loads(self) -> Iterator[Event]:
        zone = self.topology.zone
        servers = (*zone.parents, *zone.providers, *self.topology.resolvers)
        busiest = zone.providers[0]
        for at_s, phase in ((0.2, "prime"), (self.end_s, "restore")):
            cpu_s = {
                s.name: at_s * self.how.busy * (1 if s is busiest else 0.1)
                for s in servers
            }
            yield _event(at_s, EventKind.LOAD, {"phase": phase, "cpu_s": cpu_s})


def synthesise(
    topology: Topology, scenario: Scenario, how: Physics | None = None
) -> History:
    """Return the history of a run of this scenario in such a lab."""
    return _Sim(topology, scenario, how or Physics()).run()


def _answer(source: str, addresses: tuple[str, ...], told: Answer) -> Answer:
    return Answer(
        source=source,
        addresses=addresses,
        ttl_s=told.ttl_s,
        received_ns=told.received_ns,
    )


def _event(
    at_s: float,
    kind: EventKind,
    detail: dict[str, Any],
    *,
    node: str = "",
    uncertainty_s: float = 0.0,
) -> Event:
    return Event(
        at_ns=_ns(at_s),
        kind=kind,
        node=node,
        uncertainty_ns=_ns(uncertainty_s),
        detail=detail,
    )


def _ns(seconds: float) -> int:
    return int(seconds * NS)

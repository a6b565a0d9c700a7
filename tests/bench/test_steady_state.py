"""The whole lab at 500 attempts a second: do attempts begin when they are due?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.history import Attempt, History, Outcome
from lab.live.engine import Engine
from lab.live.world import LiveWorld
from lab.report.result import attempts_per_s, scheduling_lag_p99_ms
from lab.scenario.model import Behaviour, Cohort, Prime, ProveCache, Scenario
from lab.topology.loading import load
from lab.topology.model import Topology
from lab.topology.profiles import Profile, apply

pytestmark = pytest.mark.bench

RATE = 500
OBSERVE_S = 20.0
INTERVAL_MS = 500


@pytest.fixture(scope="module")
def topology() -> Topology:
    return apply(load("two-region"), Profile.QUICK)


def _scenario(topology: Topology) -> Scenario:
    """Every resolver's users ask for two names, `RATE` attempts a second in all."""
    pairs = [
        (access, resolver.name, name)
        for access in topology.access
        for resolver in (*access.resolvers, *topology.public_resolvers)
        for name in ("anycast", "failover")
    ]
    clients = RATE * INTERVAL_MS // 1000 // len(pairs) + 1
    watch = tuple(
        Cohort(
            name=f"{access.name}/{name}/{resolver}",
            access=access.name,
            resolver=resolver,
            behaviour=Behaviour.FIRST_ADDRESS,
            qname=name,
            clients=clients,
            interval_ms=INTERVAL_MS,
        )
        for access, resolver, name in pairs
    )
    return Scenario(
        name="steady-state",
        title="Nothing happens",
        questions=(),
        knobs=(),
        watch=watch,
        steps=(Prime(), ProveCache(until_s=OBSERVE_S)),
        expectations=(),
    )


@pytest.fixture(scope="module")
def attempts(topology: Topology) -> Iterator[tuple[Attempt, ...]]:
    with Engine.connect() as engine, LiveWorld(engine, "bench-steady") as world:
        for _event in world.up(world.plan(topology, profile=Profile.QUICK)):
            pass
        records = world.run(topology, _scenario(topology))
        yield tuple(r for r in records if isinstance(r, Attempt))
        world.down()


def test_attempts_begin_when_they_are_due(attempts: tuple[Attempt, ...]) -> None:
    history = History(events=(), attempts=attempts)
    rate, lag_ms = attempts_per_s(history), scheduling_lag_p99_ms(history)
    failed = sum(a.outcome is not Outcome.OK for a in attempts)
    assert rate is not None
    assert lag_ms is not None
    print(f"\n{rate:.0f} attempts/s, lag p99 {lag_ms:.1f} ms, {failed} failed")

    assert rate >= RATE
    assert lag_ms <= 20
    assert failed == 0

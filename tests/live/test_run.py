"""A short scenario on a real lab: what its history must hold."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lab.history import Attempt, Event, EventKind, Outcome
from lab.live.engine import Engine
from lab.live.world import LiveWorld
from lab.scenario.model import (
    Behaviour,
    Cohort,
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

pytestmark = pytest.mark.live

AGE_S = 3.0


def scenario(topology: Topology, *steps: Step) -> Scenario:
    access = topology.access[0]
    cohorts = tuple(
        Cohort(
            name=f"{access.name}/{qname}",
            access=access.name,
            resolver=topology.resolvers[0].name,
            behaviour=Behaviour.FIRST_ADDRESS,
            qname=qname,
            clients=2,
            interval_ms=100,
        )
        for qname in ("anycast", "failover")
    )
    return Scenario(
        name="short",
        title="A region crashes and returns.",
        questions=(),
        knobs=(),
        watch=cohorts,
        steps=steps,
        expectations=(),
    )


def processes_in(world: LiveWorld, node: str) -> str:
    script = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    return str(world.execute(node, "sh", "-c", script)["stdout"])


def test_a_run_tells_the_whole_story(
    engine: Engine, shared_lab: str, topology: Topology, tmp_path: Path
) -> None:
    region = topology.regions[0].name
    story = scenario(
        topology,
        Prime(),
        ProveCache(until_s=2.0),
        Fault(kind=FaultKind.CRASH, target=region, at_age_s=AGE_S),
        Observe(for_s=3.0),
        Restore(),
    )
    with LiveWorld(engine, shared_lab, capture=tmp_path) as world:
        history = list(world.run(topology, story))

    events = [r for r in history if isinstance(r, Event)]
    attempts = [r for r in history if isinstance(r, Attempt)]
    phases = {e.detail["phase"]: e for e in events if e.kind is EventKind.PHASE}
    (fault,) = (e for e in events if e.kind is EventKind.FAULT)
    proofs = [e.detail for e in events if e.kind is EventKind.CACHE_PROOF]

    age_s = (fault.at_ns - phases["primed"].at_ns) / 1e9
    assert AGE_S <= age_s < AGE_S + 0.5
    assert fault.detail["target"] == region
    assert len(proofs) == 2
    for proof in proofs:
        assert proof["authority_queries"] == 0
        assert proof["ttl_after"] < proof["ttl_before"]
    assert any(a.outcome is Outcome.FAIL for a in attempts)
    assert all(0 <= a.due_ns <= a.start_ns <= a.end_ns for a in attempts)
    assert "restored" in phases
    assert phases["end"].detail["agents"]
    clients = topology.access[0].clients.name
    assert (tmp_path / f"{clients}.pcap").stat().st_size > 10_000


def test_a_run_that_is_given_up_leaves_no_agent(
    engine: Engine, shared_lab: str, topology: Topology
) -> None:
    with LiveWorld(engine, shared_lab) as world:
        run = world.run(topology, scenario(topology, Prime(), Observe(for_s=600)))
        next(r for r in run if isinstance(r, Attempt))
        run.close()
        clients = topology.access[0].clients.name
        deadline = time.monotonic() + 10
        while "lab.agent" in processes_in(world, clients):
            assert time.monotonic() < deadline

        assert world.status().ready

"""A lab that is wrong in one thing fails the scenario which is about that thing.

The plan is made from a topology with mistakes; the stories are told, and judged, of the
one without.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from lab.history import history_of
from lab.judge.model import ExpectationResult, Status
from lab.judge.verdict import judge
from lab.live.engine import Engine
from lab.live.world import LiveWorld
from lab.paths import scenarios_folder
from lab.plan.model import Condition, File, Plan
from lab.scenario.catalogue import load_catalogue
from lab.scenario.model import Restore
from lab.topology.l4 import L4Hash, L4Kind
from lab.topology.loading import load
from lab.topology.model import (
    Resolver,
    ResolverBehaviour,
    ServedName,
    Topology,
    Weighted,
)
from lab.topology.profiles import Profile, apply, override
from tests.live.conftest import removed

pytestmark = pytest.mark.live

NAME = f"test-mutants-{os.getpid()}"
CACHELESS, UNTOLD = "eu-honest", "provider-a"


class Slip(NamedTuple):
    """A line of one node's configuration that says something else than it should."""

    node: str
    file: str
    right: str
    wrong: str


#: Mistakes that no topology can make.
SLIPS = (
    Slip(CACHELESS, "unbound.conf", "server:\n", "server:\n  cache-max-ttl: 0\n"),
    Slip("us-honest", "unbound.conf", "server:\n", "server:\n  rrset-roundrobin: no\n"),
    Slip(
        "provider-a",
        "pdns.conf",
        "edns-subnet-processing=yes",
        "edns-subnet-processing=no",
    ),
)
#: Knobs that make a story shorter without what is wrong getting smaller.
SHORT = {
    "backend-death": {"flows": 900, "rate": 300},
    "graceful-shutdown": {"ahead_s": 1.0},
    "one-resolver-one-answer": {"lives": 3},
    "weight-drift": {"lives": 3, "answers": 1000},
}


@pytest.fixture(scope="module")
def truth() -> Topology:
    return apply(load("steering"), Profile.QUICK)


class Removals:
    """Labs that go while the next one comes; no story begins before they are gone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._pending: list[Future[None]] = []

    def begin(self, lab: str) -> None:
        remove = LiveWorld(self._engine, lab).down
        self._pending.append(self._thread.submit(removed, remove))

    def wait(self) -> None:
        while self._pending:
            self._pending.pop().result()


@pytest.fixture(scope="module")
def removals(engine: Engine) -> Iterator[Removals]:
    labs = Removals(engine)
    yield labs
    labs.wait()


@pytest.fixture(scope="class")
def _lab(engine: Engine, truth: Topology, removals: Removals) -> Iterator[None]:
    with LiveWorld(engine, NAME) as live:
        try:
            plan = live.plan(mistaken(truth), profile=Profile.QUICK)
            for _ in live.up(with_slips(plan)):
                pass
            yield
        finally:
            removals.begin(NAME)


def mistaken(truth: Topology) -> Topology:
    """Return the topology with mistakes.

    Equal weights, no clamp, nothing stale, and an authority that is not on unbound's
    list of those whom it tells client subnets.
    """
    mistakes = {
        ResolverBehaviour.CLAMPING: ResolverBehaviour.HONEST,
        ResolverBehaviour.SERVE_STALE: ResolverBehaviour.HONEST,
    }

    def resolver(right: Resolver) -> Resolver:
        update: dict[str, object] = {
            "behaviour": mistakes.get(right.behaviour, right.behaviour)
        }
        if (right.daemon, right.behaviour) == ("unbound", ResolverBehaviour.ECS):
            update["ecs_to"] = tuple(p for p in right.ecs_to if p != UNTOLD)
        return right.model_copy(update=update)

    def name(right: ServedName) -> ServedName:
        if not isinstance(right, Weighted):
            return right
        return right.model_copy(update={"weights": dict.fromkeys(right.weights, 1)})

    access = tuple(
        a.model_copy(update={"resolvers": tuple(resolver(r) for r in a.resolvers)})
        for a in truth.access
    )
    public = tuple(resolver(r) for r in truth.public_resolvers)
    zone = truth.zone.model_copy(
        update={"names": tuple(name(n) for n in truth.zone.names)}
    )
    return truth.model_copy(
        update={"access": access, "public_resolvers": public, "zone": zone}
    )


def with_slips(plan: Plan) -> Plan:
    """Return the plan with single lines of configuration files wrong.

    Such a lab is ready when users get good replies, from wherever.
    """

    def file(node: str, right: File) -> File:
        text = right.text
        for slip in SLIPS:
            if slip.node == node and right.path.endswith(slip.file):
                assert slip.right in text
                text = text.replace(slip.right, slip.wrong)
        return replace(right, text=text)

    def condition(right: Condition) -> Condition:
        if right.kind != "journey":
            return right
        return replace(right, args={**right.args, "regions": {}, "after": []})

    nodes = tuple(
        replace(
            node,
            files=tuple(file(node.name, f) for f in node.files),
            conditions=tuple(condition(c) for c in node.conditions),
        )
        for node in plan.nodes
    )
    return replace(plan, nodes=nodes)


def missed(
    scenario: str,
    engine: Engine,
    truth: Topology,
    capture: Path,
    lab: str = NAME,
    *,
    last: bool = True,
    **knobs: object,
) -> tuple[Status, list[ExpectationResult]]:
    """Return what a story misses; the `last` one of a lab leaves it as it then is."""
    file = load_catalogue(scenarios_folder())[scenario]
    story = file.build(truth, file.knobs(**SHORT.get(scenario, {}), **knobs))
    if last and isinstance(story.steps[-1], Restore):
        story = replace(story, steps=story.steps[:-1])
    with LiveWorld(engine, lab, capture=capture) as live:
        live.attach()
        with closing(live.run(truth, story)) as records:
            history = history_of(list(records))
    verdict = judge(truth, story, history)
    return verdict.status, [e for e in verdict.expectations if e.ok is False]


@pytest.mark.usefixtures("_lab")
class TestSteering:
    @pytest.mark.timeout(240)
    @pytest.mark.parametrize(
        ("scenario", "told"),
        [
            pytest.param("weight-drift", ("p-value",), id="weights are equal"),
            pytest.param(
                "low-ttl-is-not-fast",
                ("clamp", "serves stale: of these, to the dead address"),
                id="the clamp is gone, and stale answers",
            ),
            pytest.param(
                "ecs",
                (
                    "subnets that public-ecs tells: 0.0",
                    "queries of public-recursor-ecs",
                ),
                id="an authority is not on one resolver's list, and ignores the other",
            ),
            pytest.param(
                "one-resolver-one-answer", (CACHELESS,), id="a resolver keeps nothing"
            ),
            pytest.param(
                "rotation",
                (
                    "us-honest (unbound): consecutive answers",
                    "us-honest (unbound): first addresses are even",
                ),
                id="a resolver does not rotate",
            ),
        ],
    )
    def test_a_mistake_is_told_where_it_matters(
        self,
        scenario: str,
        told: tuple[str, ...],
        engine: Engine,
        truth: Topology,
        tmp_path: Path,
    ) -> None:
        status, wrong = missed(scenario, engine, truth, tmp_path, last=False)
        rows = [f"{e.section}: {e.text}: {e.measured}" for e in wrong]

        assert status is Status.FAILED
        assert all(any(part in row for row in rows) for part in told), rows


def brought_up(
    engine: Engine, removals: Removals, name: str, wrong: Topology
) -> Iterator[str]:
    with LiveWorld(engine, name) as live:
        try:
            for _ in live.up(live.plan(wrong, profile=Profile.QUICK)):
                pass
            removals.wait()
            yield name
        finally:
            removals.begin(name)


@pytest.fixture
def unwatched(engine: Engine, removals: Removals) -> Iterator[str]:
    """A lab in which nobody looks: no BFD, and announcements whatever the health."""
    truth = apply(load("two-region"), Profile.QUICK)
    wrong = override(truth, {"bfd.enabled": "off", "announce.bound": "off"})
    yield from brought_up(engine, removals, f"{NAME}-unwatched", wrong)


@pytest.mark.timeout(240)
def test_that_nobody_looks_is_told_by_the_deaths_that_nobody_sees(
    engine: Engine, unwatched: str, tmp_path: Path
) -> None:
    truth = apply(load("two-region"), Profile.QUICK)
    for fault in ("power-off", "app-dead"):
        status, wrong = missed(
            "anycast-withdrawal",
            engine,
            truth,
            tmp_path / fault,
            unwatched,
            last=False,
            fault=fault,
        )
        assert status is Status.FAILED
        assert any(
            fault == expected.text and "back" not in expected.section
            for expected in wrong
        )


@pytest.fixture
def unheeding(engine: Engine, removals: Removals) -> Iterator[str]:
    """A lab in which a route that is marked as going is one like all others."""
    truth = apply(load("hybrids"), Profile.QUICK)
    wrong = override(truth, {"bgp.heeds_graceful_shutdown": "off"})
    yield from brought_up(engine, removals, f"{NAME}-unheeding", wrong)


@pytest.mark.timeout(240)
def test_that_nobody_heeds_the_word_is_told_by_what_is_lost_in_spite_of_it(
    engine: Engine, unheeding: str, tmp_path: Path
) -> None:
    truth = apply(load("hybrids"), Profile.QUICK)
    status, wrong = missed("graceful-shutdown", engine, truth, tmp_path, unheeding)

    assert status is Status.FAILED
    told = {expected.text for expected in wrong}
    assert "marked first, shut down later (RFC 8326)" in told
    assert "withdrawn at once" not in told


@pytest.fixture
def careless(engine: Engine, removals: Removals) -> Iterator[str]:
    """A lab in which nobody looks farther than to L7, and nobody guards who looks."""
    truth = apply(load("depths"), Profile.QUICK)
    wrong = {"announce.depth": "pop", "announce.on_checker_death": "keep"}
    yield from brought_up(engine, removals, f"{NAME}-careless", override(truth, wrong))


@pytest.mark.timeout(360)
def test_that_nobody_looks_so_far_down_or_guards_is_told_by_the_regions_that_do(
    engine: Engine, careless: str, tmp_path: Path
) -> None:
    truth = apply(load("depths"), Profile.QUICK)

    status, wrong = missed(
        "route-alive-service-dead", engine, truth, tmp_path, careless, last=False
    )
    told = {expected.text for expected in wrong}
    assert status is Status.FAILED
    assert {"by-region: last failure", "by-users: last failure"} <= told
    assert "by-node: route changes" in told
    assert not any(text.startswith("by-pop") for text in told)

    status, wrong = missed("health-checker-dead", engine, truth, tmp_path, careless)
    told = {expected.text for expected in wrong}
    assert status is Status.FAILED
    assert "by-users: last request served" in told
    assert not any(text.startswith("by-region") for text in told)


@pytest.fixture
def consistent() -> Topology:
    """The first region of `hashing`, whose flows follow a consistent hash."""
    whole = apply(load("hashing"), Profile.QUICK)
    zone = whole.zone.model_copy(update={"names": whole.zone.names[:1]})
    return whole.model_copy(update={"regions": whole.regions[:1], "zone": zone})


@pytest.fixture
def inconsistent(
    engine: Engine, removals: Removals, consistent: Topology
) -> Iterator[str]:
    """A lab in which a remainder decides, and nobody repeats a request."""
    mistakes = {
        "l4_kind": L4Kind.PACKET,
        "l4_hash": L4Hash.MODULO,
        "l7_retries": 0,
    }
    (region,) = consistent.regions
    wrong = consistent.model_copy(
        update={"regions": (region.model_copy(update=mistakes),)}
    )
    yield from brought_up(engine, removals, f"{NAME}-inconsistent", wrong)


@pytest.mark.timeout(240)
def test_modulo_and_no_retry_are_told_by_what_moves_and_what_is_lost(
    engine: Engine, consistent: Topology, inconsistent: str, tmp_path: Path
) -> None:
    lab = inconsistent
    status, wrong = missed("backend-death", engine, consistent, tmp_path, lab)

    assert status is Status.FAILED
    told = {"maglev: proxy, maglev", "maglev: requests that fail"}
    assert told <= {expected.text for expected in wrong}


@pytest.fixture
def halved(engine: Engine, removals: Removals) -> Iterator[str]:
    """A lab without BFD, and with half of the capacity that is declared."""
    whole = override(apply(load("designs"), Profile.QUICK), {"bfd.enabled": "off"})
    regions = tuple(
        region.model_copy(
            update={
                "backends": tuple(
                    b.model_copy(update={"capacity_rps": b.capacity_rps // 2})
                    for b in region.backends
                )
            }
        )
        for region in whole.regions
    )
    wrong = whole.model_copy(update={"regions": regions})
    yield from brought_up(engine, removals, f"{NAME}-halved", wrong)


@pytest.mark.timeout(240)
def test_no_headroom_and_no_bfd_are_told_by_what_the_repair_loses(
    engine: Engine, halved: str, tmp_path: Path
) -> None:
    truth = apply(load("designs"), Profile.QUICK)
    status, wrong = missed("the-fix", engine, truth, tmp_path, halved)

    assert status is Status.FAILED
    told = {"withdrawal, after", "requests refused for load"}
    assert told <= {expected.text for expected in wrong}

"""One lab for all live tests, and small plans that need no topology."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Interface, IPv4Network

import pytest

from lab.live.bootstrap import EngineInfo, look, restart_engine_if_ours
from lab.live.engine import Engine, Miscounted
from lab.live.links import free_subnets
from lab.live.naming import LAB
from lab.live.world import LiveWorld
from lab.plan.model import Condition, Interface, Link, Node, Plan, Process, Role
from lab.topology.loading import load
from lab.topology.model import Topology
from lab.topology.profiles import Profile, apply


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine.connect() as connected:
        yield connected


@pytest.fixture(scope="session")
def topology() -> Topology:
    return apply(load("minimal"), Profile.QUICK)


@pytest.fixture(scope="session")
def shared_lab(engine: Engine, topology: Topology) -> Iterator[str]:
    """The name of a running lab; who breaks it mends it."""
    lab = f"test-{os.getpid()}"
    with LiveWorld(engine, lab) as world:
        try:
            for _ in world.up(world.plan(topology, profile=Profile.QUICK)):
                pass
            yield lab
        finally:
            removed(world.down)


@pytest.fixture
def world(engine: Engine, shared_lab: str) -> Iterator[LiveWorld]:
    with LiveWorld(engine, shared_lab) as live:
        live.attach()
        yield live


@pytest.fixture
def small_lab(engine: Engine) -> Iterator[str]:
    """The name of a lab that does not exist, and does not exist afterwards."""
    lab = f"test-small-{os.getpid()}"
    yield lab
    removed(lambda: engine.remove(lab))


def removed(remove: Callable[[], object]) -> None:
    """Remove a lab, but for a network that the engine miscounts: no test is about it.

    An engine started anew at once would end the labs of other tests.
    """
    with suppress(Miscounted):
        remove()


def pytest_sessionfinish() -> None:
    """Remove the networks that could not be removed before, if there are any."""
    try:
        _remove_left()
    except Miscounted:
        if not restart_engine_if_ours(print):
            raise
        _remove_left()


def _remove_left() -> None:
    if not isinstance(look(), EngineInfo):
        return
    with Engine.connect() as engine:
        for lab in {found.labels[LAB] for found in engine.networks()}:
            if lab.startswith("test-") and lab.endswith(f"-{os.getpid()}"):
                engine.remove(lab)


def small_plan(
    engine: Engine,
    *,
    processes: tuple[Process, ...] = (),
    conditions: tuple[Condition, ...] = (),
) -> Plan:
    """Return one node on one link, with these processes and conditions."""
    (subnet,) = free_subnets(1, engine.subnets())
    link = Link(name="wire", subnet=subnet, members=("alone",))
    node = Node(
        name="alone",
        role=Role.EDGE,
        site="here",
        stem="bird",
        interfaces=(Interface(link="wire", address=_first_host(subnet)),),
        capabilities=("NET_ADMIN", "SETPCAP"),
        processes=processes,
        conditions=conditions,
    )
    return Plan(topology="small", profile="quick", links=(link,), nodes=(node,))


def renamed(plan: Plan, stem: str) -> Plan:
    """Return the plan with another stem in its only node."""
    return replace(plan, nodes=(replace(plan.nodes[0], stem=stem),))


def _first_host(subnet: IPv4Network) -> IPv4Interface:
    return IPv4Interface((subnet.network_address + 2, subnet.prefixlen))

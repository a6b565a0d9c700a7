"""Labs come and go: what is started, what is said, what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from lab.errors import EnvironmentUnfit, NotReady
from lab.history import Event, EventKind
from lab.live.bootstrap import connect
from lab.live.engine import Engine
from lab.live.naming import LAB
from lab.live.world import LiveWorld
from lab.plan.model import Condition, Plan, Process
from lab.topology.model import Topology
from tests.live.conftest import renamed, small_plan

pytestmark = pytest.mark.live


def brought_up(world: LiveWorld, plan: Plan) -> list[Event]:
    return list(world.up(plan))


def phases(events: list[Event]) -> list[str]:
    return [e.detail["phase"] for e in events if e.kind is EventKind.PHASE]


def left_of(engine: Engine, lab: str) -> int:
    return len(engine.containers(lab)) + len(engine.networks(lab))


class TestUp:
    def test_the_same_plan_is_used_again(self, engine: Engine, small_lab: str) -> None:
        plan = small_plan(engine)
        with LiveWorld(engine, small_lab) as world:
            first = brought_up(world, plan)
            second = brought_up(world, plan)

        assert phases(first) == ["start", "ready"]
        assert phases(second) == ["check", "ready"]

    def test_another_plan_replaces_it_and_says_so(
        self, engine: Engine, small_lab: str
    ) -> None:
        plan = small_plan(engine)
        with LiveWorld(engine, small_lab) as world:
            brought_up(world, plan)
            events = brought_up(world, replace(plan, profile="real"))

        assert phases(events) == ["remove", "start", "ready"]
        assert events[0].detail["why"] == "it was made from another plan"

    def test_a_half_dead_lab_is_made_anew(self, engine: Engine, small_lab: str) -> None:
        plan = small_plan(engine)
        with LiveWorld(engine, small_lab) as world:
            brought_up(world, plan)
            (container,) = engine.containers(small_lab)
            client = connect()
            client.api.kill(container.id)
            client.close()
            events = brought_up(world, plan)

        assert phases(events) == ["remove", "start", "ready"]
        assert "alone" in events[0].detail["why"]

    def test_a_missed_deadline_names_node_condition_and_last_sight(
        self, engine: Engine, small_lab: str
    ) -> None:
        args = {"host": "127.0.0.1", "port": 9, "path": "/"}
        plan = small_plan(
            engine,
            processes=(Process(name="talker", argv=("sh", "-c", "echo hm; sleep 60")),),
            conditions=(Condition(text="web answers", kind="http", args=args),),
        )
        with (
            LiveWorld(engine, small_lab, ready_deadline_s=3) as world,
            pytest.raises(NotReady) as caught,
        ):
            brought_up(world, plan)

        said = str(caught.value)
        assert "alone" in said
        assert "web answers: ConnectionRefusedError" in said

    def test_a_daemon_that_ends_at_start_is_named_at_once_with_its_log(
        self, engine: Engine, small_lab: str
    ) -> None:
        argv = ("sh", "-c", "echo no such luck; exit 3")
        plan = small_plan(
            engine,
            processes=(Process(name="doomed", argv=argv),),
            conditions=(Condition(text="never", kind="http", args={"port": 9}),),
        )
        with (
            LiveWorld(engine, small_lab) as world,
            pytest.raises(NotReady, match="alone: doomed ended with status 3") as seen,
        ):
            brought_up(world, plan)

        assert "doomed: no such luck" in str(seen.value)

    def test_a_container_that_ends_at_start_is_named_with_its_log(
        self, engine: Engine, small_lab: str
    ) -> None:
        plan = small_plan(
            engine, processes=(Process(name="none", argv=("/no/such/daemon",)),)
        )
        with (
            LiveWorld(engine, small_lab) as world,
            pytest.raises(
                NotReady, match="alone: its container has ended with"
            ) as seen,
        ):
            brought_up(world, plan)

        assert "/no/such/daemon" in str(seen.value)

    def test_an_image_that_was_not_built_is_named_with_what_to_do(
        self, engine: Engine, small_lab: str
    ) -> None:
        plan = renamed(small_plan(engine), "unheard-of")
        with (
            LiveWorld(engine, small_lab) as world,
            pytest.raises(EnvironmentUnfit, match="lab build"),
        ):
            brought_up(world, plan)


class TestLinks:
    def test_labs_at_the_same_time_get_links_of_their_own(
        self, engine: Engine, small_lab: str, topology: Topology
    ) -> None:
        other = f"{small_lab}-2"
        try:
            one = LiveWorld(engine, small_lab).plan(topology, profile="quick")
            two = LiveWorld(engine, other).plan(topology, profile="quick")
            again = LiveWorld(engine, small_lab).plan(topology, profile="quick")
        finally:
            engine.remove(other)

        subnets = {link.subnet for link in one.links}
        assert subnets.isdisjoint(link.subnet for link in two.links)
        assert again == one

    def test_the_host_has_no_address_on_a_link(
        self, engine: Engine, small_lab: str
    ) -> None:
        plan = small_plan(engine)
        with LiveWorld(engine, small_lab) as world:
            brought_up(world, plan)
            shown = world.execute("alone", "ip", "route")["stdout"]

        assert "default" not in shown
        gateway = str(plan.links[0].subnet.network_address + 1)
        held = subprocess.run(
            ["ip", "-4", "addr"], capture_output=True, text=True, check=True
        )
        assert f"inet {gateway}/" not in held.stdout


class TestDown:
    def test_nothing_is_left_and_twice_is_fine(
        self, engine: Engine, small_lab: str
    ) -> None:
        with LiveWorld(engine, small_lab) as world:
            brought_up(world, small_plan(engine))
            world.down()
            assert left_of(engine, small_lab) == 0
            world.down()

    def test_a_lab_started_half_goes_too(
        self, engine: Engine, small_lab: str, topology: Topology
    ) -> None:
        with LiveWorld(engine, small_lab) as world:
            plan = world.plan(topology, profile="quick")
            starting = world.up(plan)
            next(starting)
            starting.close()  # type: ignore[attr-defined]  # a generator
            world.down()

        assert left_of(engine, small_lab) == 0

    def test_what_is_not_the_labs_stays(self, engine: Engine, small_lab: str) -> None:
        client = connect()
        name = f"{small_lab}-alone-neighbour"
        foreign = client.networks.create(name, labels={f"{LAB}.node": "alone"})
        try:
            with LiveWorld(engine, small_lab) as world:
                brought_up(world, small_plan(engine))
                world.down()

            assert [n.name for n in client.networks.list(names=[name])] == [name]
        finally:
            foreign.remove()
            client.close()

    def test_a_killed_harness_leaves_a_lab_that_can_be_removed(
        self, engine: Engine, small_lab: str
    ) -> None:
        harness = subprocess.Popen(
            [sys.executable, "-c", _HARNESS, small_lab], stdout=subprocess.PIPE
        )
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"up\n"
        os.kill(harness.pid, signal.SIGKILL)
        harness.wait()
        harness.stdout.close()
        assert left_of(engine, small_lab) == 2

        with LiveWorld(engine, small_lab) as world:
            assert world.status().ready
            world.down()

        assert left_of(engine, small_lab) == 0


_HARNESS = """
import sys, time
from lab.live.engine import Engine
from lab.live.world import LiveWorld
from tests.live.conftest import small_plan

engine = Engine.connect()
world = LiveWorld(engine, sys.argv[1])
for _ in world.up(small_plan(engine)):
    pass
print("up", flush=True)
world.execute("alone", "sleep", "60", timeout_s=60)
"""

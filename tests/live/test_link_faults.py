"""A long link between two routers suffers, and is measured from its ends."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from lab.live import faults
from lab.live.daemons.bird import birdc
from lab.live.engine import Engine
from lab.live.fleet import Fleet, Inbox, Member
from lab.live.world import LiveWorld
from lab.scenario.bounds import REMOVAL_S, bfd_detection
from lab.scenario.chance import share_bounds
from lab.scenario.model import Fault, FaultKind
from lab.topology.distance import as_declared_s
from tests.live import two_routers
from tests.live.conftest import removed
from tests.live.two_routers import ENDS, LINK, address
from tests.unit.worlds import quick

pytestmark = pytest.mark.live

NAME = "test-link-faults"
WAY_S = 0.04
EXTRA_S = 0.05
LOSS = 0.3
PACKETS = 3000
#: Round trips, one each 10 ms: a busy moment of the machine is not all of them.
TIMES = "100"
TIMERS = quick().timers
#: Prefix of the other end, by end.
OTHER = {"near": str(ENDS["far"][1]), "far": str(ENDS["near"][1])}
WAYS = [("near", "far"), ("far", "near")]
#: SO_RCVBUFFORCE: what waits for its turn on a busy machine is not lost.
RECEIVE = """
import socket, sys
arrived = 0
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
    receiver.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
    receiver.bind((sys.argv[1], 5001))
    open("/tmp/bound", "w").close()
    receiver.settimeout(5)
    try:
        while True:
            receiver.recv(16)
            arrived += 1
            receiver.settimeout(1)
    except TimeoutError:
        print(arrived)
"""
SEND = """
import socket, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    for number in range(int(sys.argv[2])):
        sender.sendto(b"", (sys.argv[1], 5001))
        if number % 20 == 0:
            time.sleep(0.01)
"""
PYTHON = ("python3", "-S", "-c")


@pytest.fixture(scope="module")
def running(engine: Engine) -> Iterator[LiveWorld]:
    with LiveWorld(engine, NAME) as world:
        try:
            plan = two_routers.plan(engine, delay_ms=1000 * WAY_S, timers=TIMERS)
            for _ in world.up(plan):
                pass
            yield world
        finally:
            removed(world.down)


@pytest.fixture
def world(running: LiveWorld) -> Iterator[LiveWorld]:
    """The two routers; what suffers at the end of a test is restored."""
    yield running
    for target in running.status().suffering:
        running.undo(target)
    assert running.status().ready


@pytest.fixture
def fleet(engine: Engine, world: LiveWorld) -> Iterator[Fleet]:
    with closing(Fleet(engine)) as attached:
        for found in engine.containers(NAME):
            attached.attach(Member.from_labels(found.labels, found.id))
        yield attached


def lost(world: LiveWorld, fleet: Fleet, here: str, there: str) -> float:
    """Return the share of packets that do not arrive."""
    to = fleet.members[there].links[LINK]
    world.execute(there, "rm", "-f", "/tmp/bound")
    with ThreadPoolExecutor() as threads:
        received = threads.submit(world.execute, there, *PYTHON, RECEIVE, to)
        while world.execute(there, "test", "-e", "/tmp/bound")["status"]:
            assert not received.done(), received.result()
        world.execute(here, *PYTHON, SEND, to, str(PACKETS))
    return 1 - int(received.result()["stdout"]) / PACKETS


def acquaint(world: LiveWorld, fleet: Fleet) -> None:
    """Let both ends learn each other's link address anew: it holds for 15 s or more."""
    for here, there in WAYS:
        world.execute(here, "ip", "neigh", "flush", "to", "default")
        to = fleet.members[there].links[LINK]
        world.execute(here, *PYTHON, SEND, to, "1")


def round_trip_s(world: LiveWorld) -> float:
    argv = ("python3", "-S", "-m", "lab.node.rtt", TIMES, str(address("far")))
    reply = world.execute("near", *argv)
    return float(json.loads(reply["stdout"])[str(address("far"))]) / 1000


def assert_long(world: LiveWorld, way_s: float) -> None:
    low, high = as_declared_s(2 * way_s, 2 * way_s)
    assert low <= round_trip_s(world) <= high


def bfd_states(world: LiveWorld) -> dict[str, str]:
    shown = {
        end: world.execute(end, *birdc("show", "bfd", "sessions"))["stdout"]
        for end in ENDS
    }
    return {
        end: state
        for end, text in shown.items()
        for state in re.findall(r" (Up|Down|Init) ", text)
    }


def until_bfd_is(world: LiveWorld, states: dict[str, str]) -> None:
    deadline = time.monotonic() + 5
    while (seen := bfd_states(world)) != states:
        assert time.monotonic() < deadline, seen


def removals_s(inbox: Inbox, effect: faults.Effect) -> dict[str, float]:
    """Return when, after a fault, each end's kernel lost the way to the other."""
    gone: dict[str, float] = {}
    while gone.keys() != OTHER.keys():
        node, message = inbox.get(timeout=5)
        removed = (message["kind"], message.get("change")) == ("route", "removed")
        if removed and message["prefix"] == OTHER[node]:
            gone[node] = (message["t"] - effect.at_ns) / 1e9
    return gone


class TestSlow:
    def test_a_round_trip_takes_that_much_longer_until_it_is_undone(
        self, world: LiveWorld
    ) -> None:
        world.inject(FaultKind.SLOW, LINK, extra_ms=1000 * EXTRA_S)

        assert_long(world, WAY_S + EXTRA_S)
        assert world.status().suffering == {LINK: "slower by 50 ms each way"}
        assert bfd_states(world) == {"near": "Up", "far": "Up"}

        assert world.undo(LINK) == {}
        assert_long(world, WAY_S)


class TestLossy:
    @pytest.mark.parametrize(
        ("target", "lossy"), [(LINK, WAYS), (f"{LINK}:near", WAYS[:1])]
    )
    def test_as_much_is_lost_as_is_said_where_it_is_said(
        self,
        world: LiveWorld,
        fleet: Fleet,
        target: str,
        lossy: list[tuple[str, str]],
    ) -> None:
        acquaint(world, fleet)
        effect = world.inject(FaultKind.LOSSY, target, loss=LOSS)
        low, high = share_bounds(LOSS, PACKETS)

        shares = {way: lost(world, fleet, *way) for way in WAYS}

        assert effect.uncertainty_ns < 500_000_000
        for way in lossy:
            assert low <= shares.pop(way) <= high
        assert set(shares.values()) <= {0}
        assert world.status().suffering == {target: "losing 30 % of its packets"}

        assert world.undo(target) == {}
        assert [lost(world, fleet, *way) for way in WAYS] == [0, 0]


class TestLostOneWay:
    def test_who_hears_nothing_tells_the_other_who_does(
        self, world: LiveWorld, fleet: Fleet
    ) -> None:
        """BFD's state is in its packets (RFC 5880, section 6.8.6)."""
        detected = bfd_detection(TIMERS.bfd)
        fault = Fault(kind=FaultKind.ONE_WAY, target=f"{LINK}:near")
        with fleet.inbox() as inbox:
            effect = faults.inject(fleet, fault)
            gone_s = removals_s(inbox, effect)

        latest_s = detected.high_s + REMOVAL_S
        assert detected.low_s <= gone_s["far"] <= latest_s
        assert gone_s["far"] <= gone_s["near"] <= latest_s + WAY_S + REMOVAL_S
        # Who is told that the other is down, and hears it, is ready to begin again.
        until_bfd_is(world, {"near": "Init", "far": "Down"})

        assert world.undo(fault.target) == {}
        assert bfd_states(world) == {"near": "Up", "far": "Up"}


class TestCut:
    def test_both_ends_miss_each_other_and_are_well(
        self, world: LiveWorld, fleet: Fleet
    ) -> None:
        detected = bfd_detection(TIMERS.bfd)
        with fleet.inbox() as inbox:
            effect = faults.inject(fleet, Fault(kind=FaultKind.ISOLATE, target=LINK))
            gone_s = removals_s(inbox, effect)

        uncertainty_s = effect.uncertainty_ns / 1e9
        for took_s in gone_s.values():
            assert detected.low_s - uncertainty_s <= took_s
            assert took_s <= detected.high_s + REMOVAL_S
        until_bfd_is(world, {"near": "Down", "far": "Down"})
        assert not any(node.down for node in world.status().nodes)

        assert world.undo(LINK) == {}

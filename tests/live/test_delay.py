"""A long link between two routers, by whatever means this kernel has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from lab.live.channel import replies
from lab.live.daemons.bird import birdc
from lab.live.engine import Engine
from lab.live.fleet import Fleet, Member
from lab.live.world import LiveWorld
from lab.plan.model import Plan
from lab.topology.distance import as_declared_s
from tests.live import two_routers
from tests.live.conftest import removed
from tests.live.two_routers import ENDS, address
from tests.unit.worlds import quick

pytestmark = pytest.mark.live

DELAY_MS = 40
LARGE = 8 << 20
RECEIVE = """
import hashlib, socket, sys
with socket.create_server((sys.argv[1], 5000)) as server:
    connection, _ = server.accept()
    digest = hashlib.sha256()
    while chunk := connection.recv(1 << 16):
        digest.update(chunk)
print(digest.hexdigest())
"""
SEND = """
import hashlib, random, socket, sys, time
content = random.Random(1).randbytes(int(sys.argv[2]))
while True:
    try:
        connection = socket.create_connection((sys.argv[1], 5000))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
connection.sendall(content)
connection.close()
print(hashlib.sha256(content).hexdigest())
"""


@pytest.fixture(scope="module")
def plan(engine: Engine) -> Plan:
    """Two routers with a link of 40 ms between them, and a BGP session over it."""
    return two_routers.plan(engine, delay_ms=DELAY_MS, timers=quick().timers)


@pytest.fixture(scope="module")
def atlantic(engine: Engine, plan: Plan) -> Iterator[LiveWorld]:
    """The same, running."""
    with LiveWorld(engine, "test-delay") as world:
        try:
            for _ in world.up(plan):
                pass
            yield world
        finally:
            removed(world.down)


def round_trip_s(world: LiveWorld, here: str, there: str) -> float:
    argv = ("python3", "-S", "-m", "lab.node.rtt", "11", str(address(there)))
    reply = world.execute(here, *argv)
    return float(json.loads(reply["stdout"])[str(address(there))]) / 1000


def as_declared(world: LiveWorld, here: str, there: str) -> bool:
    low, high = as_declared_s(2 * DELAY_MS / 1000, 2 * DELAY_MS / 1000)
    return low <= round_trip_s(world, here, there) <= high


class TestLongLink:
    @pytest.mark.parametrize(("here", "there"), [("near", "far"), ("far", "near")])
    def test_a_round_trip_takes_what_is_declared(
        self, atlantic: LiveWorld, here: str, there: str
    ) -> None:
        assert as_declared(atlantic, here, there)

    @pytest.mark.parametrize("here", ENDS)
    def test_bgp_messages_take_what_is_declared(
        self, atlantic: LiveWorld, here: str
    ) -> None:
        """As the kernel measured it on the packets of the session itself."""
        session = "( sport = :179 or dport = :179 )"
        said = atlantic.execute(here, "ss", "-tin", "state", "established", session)
        (shortest_ms,) = re.findall(r"minrtt:([\d.]+)", said["stdout"])

        low, high = as_declared_s(2 * DELAY_MS / 1000, 2 * DELAY_MS / 1000)
        assert low <= float(shortest_ms) / 1000 <= high

    @pytest.mark.parametrize("here", ENDS)
    def test_bfd_is_up_across_it(self, atlantic: LiveWorld, here: str) -> None:
        shown = atlantic.execute(here, *birdc("show", "bfd", "sessions"))["stdout"]

        assert " Up " in shown

    @pytest.mark.parametrize(("here", "there"), [("near", "far"), ("far", "near")])
    def test_large_transfers_arrive_unharmed(
        self, atlantic: LiveWorld, here: str, there: str
    ) -> None:
        python = ("python3", "-S", "-c")
        to = str(address(there))
        with ThreadPoolExecutor() as threads:
            received = threads.submit(atlantic.execute, there, *python, RECEIVE, to)
            sent = atlantic.execute(here, *python, SEND, to, str(LARGE))

        assert received.result()["stdout"] == sent["stdout"] != ""

    @pytest.mark.parametrize("fault", ["power-off", "crash"])
    @pytest.mark.parametrize("here", ENDS)
    def test_it_is_as_long_as_before_when_an_end_comes_back(
        self, engine: Engine, atlantic: LiveWorld, plan: Plan, here: str, fault: str
    ) -> None:
        with closing(Fleet(engine)) as fleet:
            for found in engine.containers("test-delay"):
                fleet.attach(Member.from_labels(found.labels, found.id))
            for verb in (fault, "restore"):
                replies(fleet.request(verb, [here]), 5)
        for _ in atlantic.up(plan):
            pass

        assert as_declared(atlantic, "near", "far")

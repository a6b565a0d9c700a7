"""Regions, hosts and links suffer, on a real lab, and recover."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.errors import WrongUse
from lab.live.world import LiveWorld
from lab.scenario.model import FaultKind
from lab.topology.model import Topology

pytestmark = pytest.mark.live

#: Half a question over TCP to a DNS server, which therefore waits for the rest; then
#: what becomes of the connection.
HOLD = """
import socket, sys
held = socket.create_connection((sys.argv[1], 53), timeout=2)
held.sendall(b"\\0")
open("/tmp/held", "w").close()
held.settimeout(float(sys.argv[2]))
try:
    print("goodbye" if held.recv(1) == b"" else "an answer")
except ConnectionResetError:
    print("goodbye")
except TimeoutError:
    print("silence")
"""
#: Longer than a fault takes to be agreed on and to be struck.
HOLD_S = 4.0
GET = """
import http.client, json, sys
told = {}
for path in sys.argv[2:]:
    connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=2)
    connection.request("GET", path)
    reply = connection.getresponse()
    json.load(reply)
    told[path] = reply.status
print(json.dumps(told))
"""


@pytest.fixture
def region(topology: Topology) -> str:
    return topology.regions[0].name


@pytest.fixture
def provider(topology: Topology) -> str:
    return topology.zone.providers[0].name


@pytest.fixture
def users(topology: Topology) -> str:
    return topology.access[0].clients.name


@pytest.fixture
def mended(world: LiveWorld) -> Iterator[LiveWorld]:
    """The shared lab; all that suffers at the end of a test is restored."""
    yield world
    for target in world.status().suffering:
        world.undo(target)
    assert world.status().ready


def statuses(world: LiveWorld, users: str, address: object) -> dict[str, int]:
    argv = ("python3", "-c", GET, str(address), "/", "/shallow", "/deep")
    told: dict[str, int] = json.loads(world.execute(users, *argv)["stdout"])
    return told


class TestInject:
    def test_what_does_not_exist_is_refused_with_what_does(
        self, world: LiveWorld, region: str, provider: str
    ) -> None:
        there = f'no target "atlantis".*{region}.*{provider}'

        with pytest.raises(WrongUse, match=there):
            world.inject(FaultKind.CRASH, "atlantis")

    def test_what_suffers_from_nothing_cannot_be_restored(
        self, world: LiveWorld, region: str
    ) -> None:
        with pytest.raises(WrongUse, match="suffers from no fault"):
            world.undo(region)

    @pytest.mark.parametrize(
        ("kind", "what", "state"),
        [
            (FaultKind.POWER_OFF, "region", "down"),
            (FaultKind.CRASH, "region", "down"),
            (FaultKind.HANG, "region", "hung"),
            (FaultKind.ISOLATE, "region", "isolated"),
            (FaultKind.APP_DEAD, "region", "app-dead"),
            (FaultKind.DRAIN, "region", "drained"),
            (FaultKind.BROWN_OUT, "region", "browned out"),
            (FaultKind.PROVIDER_OUTAGE, "provider", "down"),
            (FaultKind.CRASH, "provider", "down"),
            (FaultKind.HANG, "provider", "hung"),
            (FaultKind.ISOLATE, "provider", "isolated"),
            (FaultKind.HANG, "balancer", "hung"),
            (FaultKind.HANG, "announcer", "hung"),
            (FaultKind.CRASH, "announcer", "down"),
            (FaultKind.CRASH, "resolver", "down"),
            (FaultKind.POWER_OFF, "resolver", "down"),
            (FaultKind.ISOLATE, "parent", "isolated"),
            (FaultKind.ISOLATE, "uplink", "isolated"),
            (FaultKind.ONE_WAY, "direction", "lost one way"),
        ],
    )
    def test_a_fault_is_struck_once_and_undone_to_the_baseline(
        self,
        mended: LiveWorld,
        region: str,
        provider: str,
        topology: Topology,
        kind: FaultKind,
        what: str,
        state: str,
    ) -> None:
        target = {
            "region": region,
            "provider": provider,
            "balancer": f"{region}-l4-1",
            "announcer": f"{region}-l4-1/announcer",
            "resolver": topology.access[0].resolvers[0].name,
            "parent": topology.zone.parents[0].name,
            "uplink": f"{region}-uplink",
            "direction": f"{topology.access[0].name}-uplink:{topology.access[0].name}",
        }[what]

        effect = mended.inject(kind, target)

        assert 0 <= effect.uncertainty_ns < 500_000_000
        assert mended.status().suffering == {target: state}
        with pytest.raises(WrongUse, match="already"):
            mended.inject(kind, target)

        assert mended.undo(target) == {}
        assert mended.status().ready


class TestNodes:
    def test_the_last_backend_takes_its_region_along_and_brings_it_back(
        self, mended: LiveWorld, region: str
    ) -> None:
        backend = f"{region}-be-1"
        mended.inject(FaultKind.CRASH, backend)

        assert mended.status().suffering == {region: "app-dead"}
        assert mended.undo(backend) == {}
        assert mended.status().ready

    def test_the_only_edge_takes_its_region_along_and_brings_it_back(
        self, mended: LiveWorld, region: str
    ) -> None:
        edge = f"{region}-edge"
        mended.inject(FaultKind.POWER_OFF, edge)

        assert mended.status().suffering == {region: "isolated", edge: "down"}
        assert mended.undo(edge) == {}
        assert mended.status().ready

    def test_those_who_look_on_are_no_target(
        self, world: LiveWorld, users: str
    ) -> None:
        with pytest.raises(WrongUse, match=f'"{users}" looks on'):
            world.inject(FaultKind.CRASH, users)


class TestBrownOut:
    def test_users_and_the_deep_check_fail_and_the_shallow_one_passes(
        self, mended: LiveWorld, topology: Topology, region: str, users: str
    ) -> None:
        address = topology.regions[0].address
        mended.inject(FaultKind.BROWN_OUT, region)

        assert statuses(mended, users, address) == {
            "/": 500,
            "/shallow": 200,
            "/deep": 503,
        }

        mended.undo(region)

        assert set(statuses(mended, users, address).values()) == {200}


class TestProvider:
    @pytest.mark.parametrize(
        ("kind", "heard"),
        [
            (FaultKind.PROVIDER_OUTAGE, "silence"),
            (FaultKind.CRASH, "goodbye"),
        ],
    )
    def test_only_a_crash_says_goodbye(
        self,
        mended: LiveWorld,
        topology: Topology,
        provider: str,
        users: str,
        kind: FaultKind,
        heard: str,
    ) -> None:
        address = str(topology.zone.providers[0].address)
        argv = ("python3", "-c", HOLD, address, str(HOLD_S))
        mended.execute(users, "rm", "-f", "/tmp/held")
        with ThreadPoolExecutor() as threads:
            held = threads.submit(mended.execute, users, *argv)
            deadline = time.monotonic() + HOLD_S
            while mended.execute(users, "test", "-e", "/tmp/held")["status"]:
                assert time.monotonic() < deadline, held.result()
            mended.inject(kind, provider)

        assert held.result()["stdout"].strip() == heard

    def test_two_targets_suffer_at_once_and_are_restored_one_by_one(
        self, mended: LiveWorld, region: str, provider: str
    ) -> None:
        mended.inject(FaultKind.BROWN_OUT, region)
        mended.inject(FaultKind.PROVIDER_OUTAGE, provider)

        assert mended.status().suffering == {region: "browned out", provider: "down"}
        assert mended.undo(region) == {provider: "down"}
        assert mended.undo(provider) == {}
        assert mended.status().ready

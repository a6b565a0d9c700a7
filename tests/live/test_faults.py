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

#: The first byte of a request, whose rest a server waits for; then what becomes of the
#: connection.
HOLD = """
import socket, sys
held = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2)
held.sendall(bytes([int(sys.argv[4])]))
open("/tmp/held", "w").close()
held.settimeout(float(sys.argv[3]))
try:
    print("goodbye" if held.recv(1) == b"" else "an answer")
except ConnectionResetError:
    print("goodbye")
except TimeoutError:
    print("silence")
"""
DNS_PORT, BACKEND_PORT = 53, 80
#: Of a length that is two bytes long; of a method.
FIRST_BYTE = {DNS_PORT: 0, BACKEND_PORT: ord("G")}
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


def last_word(
    world: LiveWorld, here: str, address: str, port: int, kind: FaultKind, target: str
) -> str:
    """Return what a connection to a target hears of a fault."""
    told = (address, str(port), str(HOLD_S), str(FIRST_BYTE[port]))
    argv = ("python3", "-c", HOLD, *told)
    world.execute(here, "rm", "-f", "/tmp/held")
    with ThreadPoolExecutor() as threads:
        held = threads.submit(world.execute, here, *argv)
        deadline = time.monotonic() + HOLD_S
        while world.execute(here, "test", "-e", "/tmp/held")["status"]:
            assert time.monotonic() < deadline, held.result()
        world.inject(kind, target)
    return str(held.result()["stdout"].strip())


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
            (FaultKind.POWER_OFF, "balancer", "down"),
            (FaultKind.ISOLATE, "balancer", "isolated"),
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


class TestSilence:
    @pytest.mark.parametrize(
        ("kind", "heard"),
        [
            (FaultKind.PROVIDER_OUTAGE, "silence"),
            (FaultKind.CRASH, "goodbye"),
        ],
    )
    def test_a_provider_says_goodbye_in_a_crash_alone(
        self,
        mended: LiveWorld,
        topology: Topology,
        provider: str,
        users: str,
        kind: FaultKind,
        heard: str,
    ) -> None:
        address = str(topology.zone.providers[0].address)

        assert last_word(mended, users, address, DNS_PORT, kind, provider) == heard

    @pytest.mark.parametrize(
        ("kind", "heard"),
        [
            (FaultKind.POWER_OFF, "silence"),
            (FaultKind.ISOLATE, "silence"),
            (FaultKind.CRASH, "goodbye"),
        ],
    )
    def test_a_backend_says_goodbye_in_a_crash_alone(
        self, mended: LiveWorld, region: str, kind: FaultKind, heard: str
    ) -> None:
        """Cut off by its own gate, after it gave the power over its port up."""
        book = mended.address_book()
        (address,) = (a for a, node in book.items() if node == f"{region}-be-1")
        balancer, backend = f"{region}-l7-1", f"{region}-be-1"

        assert (
            last_word(mended, balancer, address, BACKEND_PORT, kind, backend) == heard
        )


class TestProvider:
    def test_two_targets_suffer_at_once_and_are_restored_one_by_one(
        self, mended: LiveWorld, region: str, provider: str
    ) -> None:
        mended.inject(FaultKind.BROWN_OUT, region)
        mended.inject(FaultKind.PROVIDER_OUTAGE, provider)

        assert mended.status().suffering == {region: "browned out", provider: "down"}
        assert mended.undo(region) == {provider: "down"}
        assert mended.undo(provider) == {}
        assert mended.status().ready

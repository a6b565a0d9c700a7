"""Two brands of provider, one meaning: every policy, asked of both real daemons."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from scipy.stats import chisquare

from lab.live.bootstrap import connect
from lab.live.naming import LAB
from lab.live.stages import image_name
from lab.plan.build import build
from lab.plan.spec import environment
from lab.topology.loading import load
from lab.topology.model import (
    AllDown,
    AnycastName,
    Failover,
    Geo,
    Probe,
    RoundRobin,
    Weighted,
)
from lab.topology.profiles import Profile, apply
from tests.unit.worlds import serving

pytestmark = pytest.mark.live

PRETEND = (Path(__file__).parent / "pretended_regions.py").read_text("utf-8")
EAST, WEST = "203.0.113.10", "203.0.113.138"
ANYCAST = "198.51.100.1"
#: Addresses in access-us, in access-eu, and of a resolver far from its American users.
US, EU, PUBLIC = "198.18.40.10", "198.18.56.10", "198.18.1.8"
REGIONS = ("us-east", "eu-west")
NEAR = Geo(name="near", policy="geo", regions=REGIONS, failover=True)
FAILOVER = Failover(name="failover", policy="failover", regions=REGIONS)
EVERYWHERE = (
    RoundRobin(name="rr", policy="round-robin", regions=REGIONS),
    Weighted(name="weighted", policy="weighted", weights={"us-east": 9, "eu-west": 1}),
    Geo(name="geo", policy="geo", regions=REGIONS, ttl_s=3),
    NEAR,
    FAILOVER,
    FAILOVER.model_copy(update={"name": "shallow", "probe": Probe.SHALLOW}),
    AnycastName(name="anycast", policy="anycast"),
)
EMPTIED = (
    NEAR.model_copy(update={"name": "near-or-none", "all_down": AllDown.EMPTY}),
    FAILOVER.model_copy(update={"name": "none", "all_down": AllDown.EMPTY}),
)
SETTLED_S = 15.0
#: How often a fair spread may look unfair; an unfair one looks fair far less often.
CHANCE = 1e-4
ASK_MANY = """
import sys
from lab.node.probes import ask
for _ in range(int(sys.argv[3])):
    print(*ask(sys.argv[1], sys.argv[2])[1])
"""


@dataclass(frozen=True)
class Answer:
    addresses: frozenset[str]
    ttls: frozenset[int]
    scope: int | None


@dataclass(frozen=True)
class Asked:
    """A running provider."""

    brand: str
    address: str
    container: Container

    def run(self, *argv: str) -> str:
        status, output = self.container.exec_run(list(argv))
        assert status == 0, output
        return str(output.decode())

    def answer(self, name: str, source: str = US, subnet: str = "") -> Answer:
        told = [f"+subnet={subnet}"] if subnet else []
        where = [f"@{self.address}", "-b", source, f"{name}.example.com"]
        said = self.run("dig", "+norecurse", "+noauthority", *told, *where)
        found = re.findall(r"^\S+\s+(\d+)\s+IN\s+A\s+(\S+)$", said, re.MULTILINE)
        scope = re.search(r"CLIENT-SUBNET: \S+/(\d+)$", said, re.MULTILINE)
        return Answer(
            addresses=frozenset(address for _, address in found),
            ttls=frozenset(int(ttl) for ttl, _ in found),
            scope=int(scope[1]) if scope else None,
        )

    def answers(self, name: str, count: int) -> list[tuple[str, ...]]:
        asking = ("python3", "-c", ASK_MANY, self.address, f"{name}.example.com")
        return [tuple(x.split()) for x in self.run(*asking, str(count)).splitlines()]

    def settles(self, name: str, *addresses: str, source: str = US) -> None:
        """Wait until a name's answer is this one."""
        deadline = time.monotonic() + SETTLED_S
        while (seen := self.answer(name, source).addresses) != set(addresses):
            assert time.monotonic() < deadline, f"{name}: {sorted(seen)}"


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="module", params=["pdns", "gdnsd"])
def asked(
    request: pytest.FixtureRequest, client: docker.DockerClient
) -> Iterator[Asked]:
    topology = serving(apply(load("two-region"), Profile.QUICK), *EVERYWHERE, *EMPTIED)
    provider = next(p for p in topology.zone.providers if p.daemon == request.param)
    node = build(topology, profile=Profile.QUICK).node(provider.name)
    own = f"{provider.address} {US} {EU} {PUBLIC}"
    container = client.containers.run(
        image_name(node.stem),
        ["-c", PRETEND, own, f"{EAST} {WEST}", *node.processes[0].argv],
        entrypoint="python3",
        detach=True,
        environment=environment(node),
        network_mode="none",
        cap_drop=["ALL"],
        cap_add=["NET_ADMIN"],
        sysctls={"net.ipv4.ip_unprivileged_port_start": 0},
        tmpfs=dict.fromkeys(("/etc/lab", "/run"), ""),
        labels={LAB: "test-steering"},
    )
    try:
        running = Asked(request.param, str(provider.address), container)
        _until_listening(running)
        yield running
    finally:
        container.remove(force=True)


def _until_listening(asked: Asked) -> None:
    deadline = time.monotonic() + SETTLED_S
    anybody = ["dig", "+tries=1", "+time=1", f"@{asked.address}", "rr.example.com"]
    while asked.container.exec_run(anybody)[0]:
        asked.container.reload()
        assert asked.container.status == "running", asked.container.logs().decode()
        assert time.monotonic() < deadline


@pytest.fixture
def down(asked: Asked) -> Iterator[Callable[..., None]]:
    """A function that makes regions fail their deep checks until the test is over."""

    def fail(*regions: str) -> None:
        asked.run("touch", *(f"/tmp/down-{region}-deep" for region in regions))

    asked.settles("failover", EAST)
    asked.settles("near", EAST)
    yield fail
    asked.run("sh", "-c", "rm -f /tmp/down-*")
    asked.settles("failover", EAST)
    asked.settles("near", EAST)


class TestGeo:
    @pytest.mark.parametrize("name", ["geo", "near"])
    def test_each_network_gets_its_nearest_region(
        self, asked: Asked, name: str
    ) -> None:
        asked.settles(name, EAST, source=US)
        asked.settles(name, WEST, source=EU)
        asked.settles(name, WEST, source=PUBLIC)

    @pytest.mark.parametrize("name", ["geo", "near"])
    def test_a_subnet_told_counts_more_than_who_asks(
        self, asked: Asked, name: str
    ) -> None:
        asked.settles(name, EAST)

        told = asked.answer(name, source=PUBLIC, subnet="198.18.40.0/24")
        assert told.addresses == {EAST}
        # gdnsd: the network's own length; PowerDNS: what was sent.
        assert told.scope == {"pdns": 24, "gdnsd": 20}[asked.brand]

    def test_what_does_not_depend_on_the_subnet_says_so_if_the_brand_can(
        self, asked: Asked
    ) -> None:
        asked.settles("failover", EAST)

        told = asked.answer("failover", subnet="198.18.40.0/24")
        assert told.scope == {"pdns": 24, "gdnsd": 0}[asked.brand]
        assert asked.answer("rr", subnet="198.18.40.0/24").scope == 0


class TestFailingOver:
    def test_the_next_region_takes_over(
        self, asked: Asked, down: Callable[..., None]
    ) -> None:
        down(EAST)

        asked.settles("failover", WEST)
        asked.settles("near", WEST, source=US)
        asked.settles("near", WEST, source=EU)

    def test_a_name_that_is_not_checked_stays(
        self, asked: Asked, down: Callable[..., None]
    ) -> None:
        down(EAST)
        asked.settles("failover", WEST)

        assert asked.answer("geo", source=US).addresses == {EAST}
        assert asked.answer("rr").addresses == {EAST, WEST}

    def test_the_anycast_address_is_everybodys_whatever_fails(
        self, asked: Asked, down: Callable[..., None]
    ) -> None:
        down(EAST)
        asked.settles("failover", WEST)

        for source in (US, EU, PUBLIC):
            assert asked.answer("anycast", source=source).addresses == {ANYCAST}

    def test_a_shallow_probe_sees_nothing(
        self, asked: Asked, down: Callable[..., None]
    ) -> None:
        asked.settles("shallow", EAST)
        down(EAST)
        asked.settles("failover", WEST)

        assert asked.answer("shallow").addresses == {EAST}


class TestAllDown:
    def test_fail_open_answers_everything(
        self, asked: Asked, down: Callable[..., None]
    ) -> None:
        down(EAST, WEST)

        for name in ("failover", "near"):
            asked.settles(name, EAST, WEST)

    def test_empty_answers_nothing(
        self, asked: Asked, down: Callable[..., None]
    ) -> None:
        for name in EMPTIED:
            asked.settles(name.name, EAST)
        down(EAST, WEST)

        for name in EMPTIED:
            asked.settles(name.name)


class TestSpread:
    def test_weights_are_kept_over_ten_thousand_answers(self, asked: Asked) -> None:
        count = Counter(first for first, *_ in asked.answers("weighted", 10_000))

        assert chisquare([count[EAST], count[WEST]], [9000, 1000]).pvalue > CHANCE

    def test_round_robin_gives_all_in_any_order_alike(self, asked: Asked) -> None:
        count = Counter(asked.answers("rr", 10_000))

        assert count.keys() == {(EAST, WEST), (WEST, EAST)}
        assert chisquare(list(count.values())).pvalue > CHANCE


class TestTtl:
    def test_it_is_the_names_own_or_everybodys(self, asked: Asked) -> None:
        asked.settles("geo", EAST)
        asked.settles("near", EAST)

        assert asked.answer("geo").ttls == {3}
        for name in ("rr", "weighted", "near", "failover"):
            assert asked.answer(name).ttls == {12}

"""Whose request is looked at, and which way it goes through the routers' tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import docker
import pytest

from lab.errors import CommandFailed, WrongUse
from lab.history import Event, EventKind
from lab.live.channel import Request
from lab.live.engine import Engine
from lab.live.fleet import Fleet, Member
from lab.live.trace import resolver_hop, wanted, way
from lab.plan.model import Role
from lab.topology.loading import load
from lab.topology.model import Topology
from lab.topology.profiles import Profile, apply

VIP = "198.51.100.1"
FLOW = {"address": VIP, "source": "198.18.32.10", "port": 40000}
#: Link addresses by node.
LINKS = {
    "access-us": "10.0.0.2",
    "transit-a": "10.0.0.3",
    "us-east-edge": "10.0.0.4",
    "us-east-l4-1": "10.0.0.5",
    "us-east-l4-2": "10.0.0.6",
}
ROLES = {
    "access-us": Role.ACCESS,
    "transit-a": Role.TRANSIT,
    "us-east-edge": Role.EDGE,
    "us-east-l4-1": Role.L4,
    "us-east-l4-2": Role.L4,
}


def path(as_path: str = "") -> str:
    return (
        "198.51.100.0/24  unicast [to_x 12:00:00.000] * (100) [i]\n"
        f"\tBGP.as_path: {as_path}\n"
    )


@dataclass
class Router:
    """Says what it was given; without a table its BIRD is dead, without hops no route.

    The kernel picks the last of several hops.
    """

    name: str = ""
    hops: tuple[str, ...] = ()
    table: str | None = path()
    way_back: bool = True
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *argv: str) -> str:
        self.asked.append(argv)
        if argv[0] == "birdc":
            if self.table is None:
                raise CommandFailed(f"{self.name}: birdc: connection refused")
            return self.table
        if not self.way_back:
            raise CommandFailed(f"{self.name}: ip: No route to host")
        return json.dumps([{"dev": "eth1", "gateway": LINKS[self.hops[-1]]}])

    def request(self, do: str, *, argv: tuple[str, ...], **_: Any) -> Request:
        request = Request(do)
        told = self._route() if "fibmatch" in argv else self._ports()
        done = {"ok": True, "status": 0 if told else 2, "stdout": json.dumps(told)}
        request.done.set_result(done | {"stderr": ""})
        return request

    def _ports(self) -> list[dict[str, Any]]:
        return [
            {"ifname": "lo", "addr_info": [{"local": VIP}]},
            {"ifname": "eth0", "addr_info": [{"local": LINKS[self.name]}]},
        ]

    def _route(self) -> list[dict[str, Any]]:
        hops = [{"gateway": LINKS[hop]} for hop in self.hops]
        several = {"nexthops": hops} if len(hops) > 1 else hops[0] if hops else {}
        return [{"dst": "198.51.100.0/24"} | several] if hops else []


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load("two-region")


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with (
        Engine(docker.APIClient(version="1.41")) as engine,
        closing(Fleet(engine)) as empty,
    ):
        for name, role in ROLES.items():
            empty.members[name] = Member(
                node=name, role=role, site="", stem="bird", container=name
            )
        yield empty


def told(
    fleet: Fleet,
    topology: Topology,
    flow: dict[str, Any] = FLOW,  # nobody writes to it
    **routers: Router,
) -> tuple[list[tuple[str, str]], str]:
    there = {name.replace("_", "-"): router for name, router in routers.items()}
    for name in ROLES:
        router = there.get(name, Router())
        router.name = name
        fleet.channels[name] = router  # type: ignore[assignment]
    hops, end = way(fleet, topology, topology.access[0], flow)
    return [(hop.node, hop.what) for hop in hops], end


class TestWay:
    def test_follows_the_kernels_routes_and_tells_the_as_paths(
        self, fleet: Fleet, topology: Topology
    ) -> None:
        transit, region = topology.transits[0], topology.regions[0]
        hops, end = told(
            fleet,
            topology,
            access_us=Router(
                hops=("transit-a",), table=path(f"{transit.asn} {region.asn}")
            ),
            transit_a=Router(hops=("us-east-edge",), table=path(str(region.asn))),
            us_east_edge=Router(hops=("us-east-l4-1",)),
        )

        of_region = f"AS{region.asn} us-east"
        assert hops == [
            (
                "access-us",
                "198.51.100.0/24 to transit-a, AS path "
                f"AS{transit.asn} transit-a > {of_region}",
            ),
            ("transit-a", f"198.51.100.0/24 to us-east-edge, AS path {of_region}"),
            ("us-east-edge", "198.51.100.0/24 to us-east-l4-1"),
        ]
        assert end == "us-east-l4-1"

    def test_among_equal_next_hops_the_kernel_says_which_takes_this_flow(
        self, fleet: Fleet, topology: Topology
    ) -> None:
        edge = Router(hops=("us-east-l4-1", "us-east-l4-2"))

        hops, end = told(fleet, topology, access_us=edge)

        assert end == "us-east-l4-2"
        assert hops[0][1].endswith("to us-east-l4-2, one of 2 by the flow's hash")
        flow = next(argv for argv in edge.asked if "sport" in argv)
        assert flow[-4:] == ("sport", "40000", "dport", "80")

    @pytest.mark.parametrize(
        ("flow", "way_back"),
        [({"address": VIP}, True), (FLOW, False)],
        ids=["no connection", "no way back"],
    )
    def test_where_no_flow_can_be_looked_up_every_next_hop_is_named(
        self, fleet: Fleet, topology: Topology, flow: dict[str, Any], way_back: bool
    ) -> None:
        edge = Router(hops=("us-east-l4-1", "us-east-l4-2"), way_back=way_back)

        hops, end = told(fleet, topology, flow, access_us=edge)

        both = "198.51.100.0/24 to us-east-l4-1 or us-east-l4-2"
        assert hops == [("access-us", both)]
        assert end == ""

    @pytest.mark.parametrize(
        ("router", "why"),
        [
            (Router(), f"no route to {VIP}"),
            (Router(table=None), f"no route to {VIP}"),
            (
                Router(hops=("access-us",), table=None),
                "198.51.100.0/24 to access-us; its BIRD does not answer",
            ),
        ],
        ids=["no route", "a dead router", "a dead BIRD whose kernel goes on"],
    )
    def test_ends_where_nothing_leads_on(
        self, fleet: Fleet, topology: Topology, router: Router, why: str
    ) -> None:
        first = Router(hops=("transit-a",))

        hops, end = told(fleet, topology, access_us=first, transit_a=router)

        assert hops[-1] == ("transit-a", why)
        assert end == ""

    def test_a_loop_is_walked_once(self, fleet: Fleet, topology: Topology) -> None:
        hops, end = told(
            fleet,
            topology,
            access_us=Router(hops=("transit-a",)),
            transit_a=Router(hops=("access-us",)),
        )

        assert [node for node, _ in hops] == ["access-us", "transit-a"]
        assert end == ""


class TestWanted:
    @pytest.mark.parametrize("name", ["failover", "failover.example.com."])
    def test_the_networks_first_resolver_unless_told(
        self, topology: Topology, name: str
    ) -> None:
        asked = wanted(topology, "users-us", name, "")

        assert asked.qname == "failover"
        assert asked.resolver == topology.access[0].resolvers[0]

    @pytest.mark.parametrize(
        ("client", "name", "resolver", "said"),
        [
            ("mars", "rr", "", 'no clients "mars"; the lab has: users-us, users-eu'),
            ("users-us", "rrr", "", 'no name "rrr" in example.com; it has: rr, '),
            ("users-us", "rr", "eu-honest", 'users-us cannot ask "eu-honest"; it can'),
        ],
    )
    def test_what_is_not_there_is_refused_with_what_is(
        self, topology: Topology, client: str, name: str, resolver: str, said: str
    ) -> None:
        with pytest.raises(WrongUse, match=said):
            wanted(topology, client, name, resolver)


def upstream(after_ms: float) -> Event:
    detail = {"resolver": "us-honest", "name": "failover", "subnet": ""}
    return Event(
        at_ns=int(after_ms * 1e6),
        kind=EventKind.UPSTREAM,
        node="provider-a",
        detail=detail,
    )


class TestWhatAResolverDid:
    #: In `quick`: TTL 12 s, minimum TTL 25 s, an answer that has ended told for 6 s.
    @pytest.mark.parametrize(
        ("resolver", "ttl_s", "took_ms", "asked_ms", "timed", "said"),
        [
            ("us-honest", 9, 1, (), True, "hit, 3 s old; 9 s of 12 s left"),
            ("us-honest", 9, 1, (), False, "hit; 9 s left"),
            ("us-honest", 12, 80, (40,), True, "miss; tells a TTL of 12 s"),
            ("us-clamping", 17, 1, (), True, "hit, 8 s old; 17 s of 25 s left"),
            ("us-stale", 9, 1, (), True, "hit, 3 s old; 9 s of 12 s left"),
            ("us-stale", 6, 1, (), True, "kept, or ended and told stale; 6 s left"),
            ("us-stale", 6, 1, (40,), True, "ended, told for 6 s more; asks behind"),
            ("us-stale", 6, 2, (1,), True, "ended, told for 6 s more; asks behind"),
            ("us-stale", 6, 2, (1,), False, "miss; tells a TTL of 6 s"),
        ],
    )
    def test_follows_from_its_answer_and_from_who_was_asked(
        self,
        topology: Topology,
        resolver: str,
        ttl_s: int,
        took_ms: float,
        asked_ms: tuple[float, ...],
        timed: bool,
        said: str,
    ) -> None:
        quick = apply(topology, Profile.QUICK)
        asked = wanted(quick, "users-us", "failover", resolver, timed=timed)
        answer = {"addresses": ["203.0.113.10"], "ttl_s": ttl_s, "took_ms": took_ms}

        hop = resolver_hop(quick, asked, answer, tuple(upstream(m) for m in asked_ms))

        assert said in hop.what
        assert (hop.node, hop.took_ms) == (resolver, took_ms)

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ({"error": "timed out", "took_ms": 3000}, "timed out"),
            (
                {"addresses": [], "rcode": "SERVFAIL", "ttl_s": 0, "took_ms": 1},
                "SERVFAIL, no address",
            ),
        ],
    )
    def test_no_answer_is_told_as_it_came(
        self, topology: Topology, answer: dict[str, Any], said: str
    ) -> None:
        asked = wanted(topology, "users-us", "failover", "us-honest")

        assert said in resolver_hop(topology, asked, answer, ()).what

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
from lab.live.channel import Request
from lab.live.engine import Engine
from lab.live.fleet import Fleet, Member
from lab.live.trace import wanted, way
from lab.plan.model import Role
from lab.topology.loading import load
from lab.topology.model import Topology

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
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *argv: str) -> str:
        self.asked.append(argv)
        if argv[0] == "birdc":
            if self.table is None:
                raise CommandFailed(f"{self.name}: birdc: connection refused")
            return self.table
        if not self.hops:
            raise CommandFailed(f"{self.name}: ip: RTNETLINK answers: No route to host")
        gateways = [LINKS[hop] for hop in self.hops]
        if "fibmatch" not in argv:
            return json.dumps([{"dev": "eth1", "gateway": gateways[-1]}])
        hop = {"gateway": gateways[0]}
        several = {"nexthops": [{"gateway": g} for g in gateways]}
        route = {"dst": "198.51.100.0/24"} | (several if len(gateways) > 1 else hop)
        return json.dumps([route])

    def request(self, do: str, *, argv: tuple[str, ...], **_: Any) -> Request:
        ports = [
            {"ifname": "lo", "addr_info": [{"local": VIP}]},
            {"ifname": "eth0", "addr_info": [{"local": LINKS[self.name]}]},
        ]
        request = Request(do)
        done = {"ok": True, "status": 0, "stdout": json.dumps(ports), "stderr": ""}
        request.done.set_result(done)
        return request


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
    fleet: Fleet, topology: Topology, **routers: Router
) -> tuple[list[tuple[str, str]], str]:
    there = {name.replace("_", "-"): router for name, router in routers.items()}
    for name in ROLES:
        router = there.get(name, Router())
        router.name = name
        fleet.channels[name] = router  # type: ignore[assignment]
    hops, end = way(fleet, topology, topology.access[0], FLOW)
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

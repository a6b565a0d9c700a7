"""Rules of the plan of points of presence with several edges, and of exchanges."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from lab.plan.build import build
from lab.plan.model import Node, Plan, Role
from lab.render.bird import CONFIG
from lab.topology.loading import load
from lab.topology.model import Topology


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load("three-pop")


@pytest.fixture(scope="module")
def plan(topology: Topology) -> Plan:
    return build(topology, profile="real")


def sessions(node: Node) -> set[str]:
    """Return the names of a node's BGP sessions."""
    (text,) = (file.text for file in node.files if file.path == CONFIG)
    words = (line.split() for line in text.splitlines())
    return {w[2] for w in words if w[:2] == ["protocol", "bgp"]}


def prefixes(node: Node) -> dict[str, int]:
    """Return the routes that a node waits for, and over how many next hops."""
    (condition,) = (c for c in node.conditions if c.kind == "route")
    found = condition.args["prefixes"]
    assert isinstance(found, dict)
    return found


class TestEdges:
    def test_each_has_an_uplink_to_its_transit(self, plan: Plan) -> None:
        links = {link.name: link.members for link in plan.links}

        assert links["us-east-uplink-1"] == ("transit-us", "us-east-edge-1")
        assert links["us-east-uplink-2"] == ("transit-us", "us-east-edge-2")
        assert links["eu-west-uplink-1"] == ("transit-eu-1", "eu-west-edge-1")
        assert links["eu-west-uplink-2"] == ("transit-eu-2", "eu-west-edge-2")

    def test_a_site_is_cut_off_at_all_of_them(self, plan: Plan) -> None:
        ports = [
            port.link
            for node in plan.nodes
            if node.site == "us-east"
            for port in node.interfaces
            if port.boundary
        ]

        assert ports == ["us-east-uplink-1", "us-east-uplink-2"]

    def test_they_have_the_first_addresses_of_the_prefix(self, plan: Plan) -> None:
        edges = [plan.node(f"us-east-edge-{n}") for n in (1, 2)]

        assert [edge.loopbacks for edge in edges] == [
            (IPv4Address("203.0.113.1"),),
            (IPv4Address("203.0.113.2"),),
        ]

    def test_their_transit_waits_for_both(self, plan: Plan) -> None:
        waited = prefixes(plan.node("transit-us"))

        assert waited["203.0.113.0/26"] == waited["198.51.100.0/24"] == 2
        assert waited["203.0.113.64/26"] == 1
        assert prefixes(plan.node("transit-eu-1"))["203.0.113.64/26"] == 1

    def test_they_choose_by_other_things_than_whoever_chose_them(
        self, plan: Plan
    ) -> None:
        chosen = {
            name: dict(plan.node(name).sysctls)["net.ipv4.fib_multipath_hash_policy"]
            for name in ("transit-us", "us-east-edge-1", "us-east-edge-2")
        }

        assert chosen == {
            "transit-us": "1",
            "us-east-edge-1": "3",
            "us-east-edge-2": "3",
        }


class TestWaysOut:
    def test_who_answers_users_speaks_with_every_edge(self, plan: Plan) -> None:
        both = {"to_us_east_edge_1", "to_us_east_edge_2"}

        assert sessions(plan.node("us-east-l4-1")) == both
        assert "to_us_east_l4_1" in sessions(plan.node("us-east-edge-2"))
        assert sessions(plan.node("eu-west-l7-1")) == {
            "to_eu_west_edge_1",
            "to_eu_west_edge_2",
        }
        assert "to_eu_west_l7_1" in sessions(plan.node("eu-west-edge-2"))

    @pytest.mark.parametrize("name", ["us-east-l4-1", "eu-west-l7-1"])
    def test_its_kernel_gets_what_they_tell(self, plan: Plan, name: str) -> None:
        node = plan.node(name)
        text = "".join(file.text for file in node.files)

        assert node.routes == ()
        assert node.routes_packets
        assert "SETPCAP" not in node.capabilities
        assert "export where source = RTS_BGP;" in text
        assert prefixes(node)["198.18.32.0/20"] == 1

    def test_nobody_waits_for_the_address_that_it_has_itself(self, plan: Plan) -> None:
        assert "198.51.100.0/24" not in prefixes(plan.node("us-east-l4-1"))

    def test_who_only_sends_packets_on_is_told_no_way_out(self, plan: Plan) -> None:
        text = "".join(file.text for file in plan.node("eu-west-l4-1").files)

        assert "import none;" in text
        assert "protocol kernel" not in text

    def test_who_asks_nobody_outside_has_no_way_there(self, plan: Plan) -> None:
        for name in ("us-east-l7-1", "us-east-be-1", "eu-west-be-1"):
            node = plan.node(name)
            assert node.routes == ()
            assert not node.routes_packets

    def test_no_host_sends_everything_to_one_of_several_edges(self, plan: Plan) -> None:
        inside = (n for n in plan.nodes if n.site in {"us-east", "eu-west", "ap-south"})

        assert not [n.name for n in inside if any(not r.mark for r in n.routes)]


class TestExchange:
    def test_is_one_link_with_all_members(self, plan: Plan) -> None:
        (lan,) = (link for link in plan.links if link.name == "ix-london")

        assert lan.members == ("transit-eu-1", "transit-eu-2", "transit-eu-3")
        assert lan.delay_ms == 0

    def test_each_member_peers_with_every_other(self, plan: Plan) -> None:
        assert sessions(plan.node("transit-eu-2")) == {
            "to_eu_west_edge_2",
            "to_transit_us",
            "to_transit_eu_1",
            "to_transit_eu_3",
        }

    def test_a_peer_is_told_of_customers_and_a_buyer_of_everything(
        self, plan: Plan
    ) -> None:
        told = exports(plan.node("transit-eu-3"))

        assert "bgp_path.first ~ [ 64509 ]" in told["to_transit_eu_1"]
        assert "bgp_path" not in told["to_transit_us"]

    def test_who_sells_nothing_tells_of_itself_alone(self, topology: Topology) -> None:
        alone = topology.model_copy(
            update={"access": tuple(a for a in topology.access if "eu" not in a.name)}
        )

        told = exports(build(alone, profile="real").node("transit-eu-3"))

        assert "RTS_BGP" not in told["to_transit_eu_1"]
        assert "net ~ [ 198.18.3.0/24 ]" in told["to_transit_eu_1"]

    def test_customers_are_preferred_to_peers_and_those_to_links(
        self, plan: Plan
    ) -> None:
        told = exports(plan.node("transit-eu-3"))

        assert "bgp_local_pref = 200" in told["to_access_eu"]
        assert "bgp_local_pref = 150" in told["to_transit_eu_1"]
        assert "bgp_local_pref" not in told["to_transit_us"]

    def test_nobody_prefers_anything_where_nobody_peers(self, plan: Plan) -> None:
        elsewhere = (n for n in plan.nodes if "transit-eu" not in n.name)
        told = (
            session
            for node in elsewhere
            if any(file.path == CONFIG for file in node.files)
            for session in exports(node).values()
        )

        assert not any("bgp_local_pref" in session for session in told)

    def test_every_router_is_one_of_those_there_are(self, plan: Plan) -> None:
        assert sum(node.role is Role.EDGE for node in plan.nodes) == 6


def exports(node: Node) -> dict[str, str]:
    """Return what is configured for each of a node's sessions."""
    (text,) = (file.text for file in node.files if file.path == CONFIG)
    _, *blocks = text.split("protocol bgp ")
    return {block.split()[0]: block for block in blocks}

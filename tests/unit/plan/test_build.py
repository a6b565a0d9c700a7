"""Rules of the plan of a whole topology."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from lab.live.daemons.registry import ADAPTERS
from lab.plan.build import build
from lab.plan.links import default_subnets, link_count, uplink_names
from lab.plan.model import Node, Plan, Role
from lab.topology.l4 import L4Kind
from lab.topology.loading import load
from tests.unit.worlds import quick, real

ROUTERS = {Role.EDGE, Role.TRANSIT, Role.ACCESS}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return build(quick(), profile="quick")


def at(plan: Plan, site: str) -> list[Node]:
    return [node for node in plan.nodes if node.site == site]


class TestNodes:
    def test_there_is_one_for_everything_in_the_topology(self, plan: Plan) -> None:
        assert Counter(node.role for node in plan.nodes) == {
            Role.TRANSIT: 2,
            Role.PARENT: 2,
            Role.PROVIDER: 2,
            Role.RESOLVER: 7,
            Role.EDGE: 2,
            Role.L4: 4,
            Role.L7: 4,
            Role.BACKEND: 4,
            Role.ACCESS: 2,
            Role.CLIENTS: 2,
        }

    def test_a_balancer_in_front_hangs_on_its_transit(self) -> None:
        node = build(load("designs"), profile="real").node("global-l4")

        assert (node.role, node.site, node.stem) == (
            Role.GLOBAL_L4,
            "transit-us",
            "envoy",
        )
        assert [str(a) for a in node.loopbacks] == ["198.18.0.80"]
        assert [port.link for port in node.interfaces] == ["transit-us-lan"]

    def test_each_has_a_name_of_its_own(self, plan: Plan) -> None:
        names = [node.name for node in plan.nodes]

        assert len(names) == len(set(names))

    def test_a_larger_region_has_more_of_them(self) -> None:
        topology = quick()
        small, *others = topology.regions
        large = small.model_copy(update={"l4": 3, "backends": small.backends * 2})
        grown = topology.model_copy(update={"regions": (large, *others)})

        grown_by = Counter(n.role for n in build(grown, profile="quick").nodes)
        grown_by.subtract(n.role for n in build(topology, profile="quick").nodes)

        assert {r: n for r, n in grown_by.items() if n} == {
            Role.L4: 1,
            Role.BACKEND: 2,
        }

    def test_each_runs_in_an_image_that_exists(self, plan: Plan) -> None:
        assert {node.stem for node in plan.nodes} <= ADAPTERS.keys()

    def test_a_site_is_everything_that_dies_together(self, plan: Plan) -> None:
        assert Counter(node.role for node in at(plan, "us-east")) == {
            Role.EDGE: 1,
            Role.L4: 2,
            Role.L7: 2,
            Role.BACKEND: 2,
        }

    def test_what_nobody_planned_is_not_found(self, plan: Plan) -> None:
        assert plan.node("us-east-edge").role is Role.EDGE
        with pytest.raises(KeyError, match="mars"):
            plan.node("mars")


class TestPrivileges:
    def test_only_routers_forward_packets(self, plan: Plan) -> None:
        for node in plan.nodes:
            forwards = dict(node.sysctls).get("net.ipv4.ip_forward") == "1"
            assert forwards is node.routes_packets is (node.role in ROUTERS), node.name

    def test_a_host_can_give_the_network_up_and_a_router_keeps_it(
        self, plan: Plan
    ) -> None:
        for node in plan.nodes:
            assert "NET_ADMIN" in node.capabilities
            assert ("SETPCAP" in node.capabilities) is not node.routes_packets

    def test_nobody_has_more_than_the_network(self, plan: Plan) -> None:
        given = {c for node in plan.nodes for c in node.capabilities}

        assert given == {"NET_ADMIN", "NET_RAW", "SETPCAP"}


class TestPacketLevel:
    """Of a topology in which a region's L4 nodes send packets on."""

    @pytest.fixture
    def mixed(self) -> Plan:
        topology = quick()
        first, *others = topology.regions
        packet = first.model_copy(update={"l4_kind": L4Kind.PACKET})
        both = topology.model_copy(update={"regions": (packet, *others)})
        return build(both, profile="quick")

    def test_the_kernel_of_an_l4_node_forwards_what_it_marked(
        self, mixed: Plan
    ) -> None:
        node = mixed.node("us-east-l4-1")
        there = {
            route.mark: mixed.node(f"us-east-l7-{route.mark}").interfaces[0].address.ip
            for route in node.routes
            if route.mark
        }

        assert node.routes_packets
        assert "SETPCAP" not in node.capabilities
        assert dict(node.sysctls)["net.ipv4.ip_forward"] == "1"
        assert there == {r.mark: r.via for r in node.routes if r.mark}
        assert len(there) == 2

    def test_it_is_the_l7_nodes_that_have_the_services_addresses(
        self, mixed: Plan
    ) -> None:
        services = mixed.node("eu-west-l4-1").loopbacks[1:]

        assert mixed.node("us-east-l4-1").loopbacks == ()
        assert mixed.node("us-east-l7-1").loopbacks[1:] == services
        sysctls = dict(mixed.node("us-east-l7-1").sysctls)
        assert sysctls["net.ipv4.conf.all.arp_ignore"] == "1"
        assert mixed.node("eu-west-l7-1").loopbacks == ()


class TestPorts:
    def test_a_site_is_cut_off_at_its_router_alone(self, plan: Plan) -> None:
        topology = quick()

        for site in (*topology.regions, *topology.access):
            (port,) = (
                i for n in at(plan, site.name) for i in n.interfaces if i.boundary
            )
            assert (port.link,) == uplink_names(site)

    def test_a_transit_is_cut_off_at_every_link(self, plan: Plan) -> None:
        ports = plan.node("transit-a").interfaces

        assert len(ports) == 4
        assert all(port.boundary for port in ports)

    def test_nodes_have_the_ports_that_their_links_say(self, plan: Plan) -> None:
        for link in plan.links:
            on_it = {
                n.name
                for n in plan.nodes
                if link.name in (i.link for i in n.interfaces)
            }
            assert on_it == set(link.members)

    def test_no_address_is_given_twice(self, plan: Plan) -> None:
        ports = [i.address.ip for n in plan.nodes for i in n.interfaces]

        assert len(ports) == len(set(ports))


class TestGates:
    def test_hosts_that_share_a_regions_lan_have_one_and_nobody_else(
        self, plan: Plan
    ) -> None:
        gated = {node.role for node in plan.nodes if node.gate}

        assert gated == {Role.L4, Role.L7, Role.BACKEND}
        assert not any(node.gate and node.routes_packets for node in plan.nodes)


class TestAddresses:
    def test_anycast_is_where_the_l4_nodes_are_and_nowhere_else(
        self, plan: Plan
    ) -> None:
        anycast = quick().anycast.address

        holders = {n.name for n in plan.nodes if anycast in n.loopbacks}

        assert holders == {n.name for n in plan.nodes if n.role is Role.L4}

    def test_users_have_an_address_in_each_of_their_subnets(self) -> None:
        topology = quick()
        near, *others = topology.access
        users = near.clients.model_copy(update={"subnets": 3})
        spread = near.model_copy(update={"clients": users})
        grown = topology.model_copy(update={"access": (spread, *others)})
        expected = tuple(near.clients.address + 256 * k for k in range(3))

        plan = build(grown, profile="quick")

        router = "".join(file.text for file in plan.node(near.name).files)
        assert plan.node(users.name).loopbacks == expected
        assert all(f"route {address}/32" in router for address in expected)

    def test_a_servers_packets_leave_with_its_service_address(self, plan: Plan) -> None:
        for name, address in (("us-honest", "198.18.32.53"), ("root", "198.18.0.2")):
            (route,) = plan.node(name).routes
            assert str(route.source) == address

    def test_a_host_sends_everything_to_its_router(self, plan: Plan) -> None:
        for node in plan.nodes:
            if node.routes_packets:
                assert node.routes == ()
                continue
            (route,), (port,) = node.routes, node.interfaces
            (link,) = (x for x in plan.links if x.name == port.link)
            router = plan.node(link.members[0])
            assert route.prefix == IPv4Network("0.0.0.0/0")
            assert router.routes_packets
            assert route.via in {i.address.ip for i in router.interfaces}


class TestOrder:
    def test_what_announces_stops_before_what_serves(self, plan: Plan) -> None:
        started = [p.name for p in plan.node("us-east-l4-1").processes]

        assert started == ["envoy", "bird", "announcer"]


class TestReadiness:
    def test_every_node_says_when_it_is_ready(self, plan: Plan) -> None:
        assert all(node.conditions for node in plan.nodes)

    def test_no_two_conditions_of_a_node_read_alike(self, plan: Plan) -> None:
        for node in plan.nodes:
            texts = [c.text for c in node.conditions]
            assert len(texts) == len(set(texts)), node.name

    def test_an_edge_waits_for_every_l4_node_of_its_region(self, plan: Plan) -> None:
        (routes,) = (
            c.args["prefixes"]
            for c in plan.node("us-east-edge").conditions
            if c.kind == "route"
        )

        assert isinstance(routes, dict)
        assert routes[str(quick().anycast.prefix)] == 2


class TestEquality:
    def test_the_same_topology_and_subnets_make_the_same_plan(self, plan: Plan) -> None:
        assert build(quick(), profile="quick") == plan

    def test_the_default_subnets_are_the_first_of_the_default_space(
        self, plan: Plan
    ) -> None:
        topology = quick()
        given = build(topology, profile="quick", subnets=default_subnets(topology))

        assert given == plan

    def test_other_subnets_change_addresses_and_nothing_else(self, plan: Plan) -> None:
        topology = quick()
        space = IPv4Network("10.99.0.0/16").subnets(new_prefix=26)
        subnets = [next(space) for _ in range(link_count(topology))]

        moved = build(topology, profile="quick", subnets=subnets)

        assert moved != plan
        assert [x.subnet for x in moved.links] == subnets
        assert [n.name for n in moved.nodes] == [n.name for n in plan.nodes]
        assert [n.loopbacks for n in moved.nodes] == [n.loopbacks for n in plan.nodes]
        assert not any("10.213." in f.text for n in moved.nodes for f in n.files)

    def test_the_profile_is_kept_for_the_record(self, plan: Plan) -> None:
        assert build(quick(), profile="other") == replace(plan, profile="other")

    @pytest.mark.parametrize("name", ["provider-a", "provider-b", "us-clamping"])
    def test_other_timers_make_other_daemons(self, plan: Plan, name: str) -> None:
        slow = build(real(), profile="real")

        assert slow.node(name).files != plan.node(name).files

    def test_too_few_subnets_are_refused(self) -> None:
        topology = quick()

        with pytest.raises(ValueError, match="links need as many subnets"):
            build(topology, profile="quick", subnets=default_subnets(topology)[:3])

"""Rules of wiring a topology."""

import pytest
from ruamel.yaml import YAML

from lab.plan.links import default_subnets, link_count, servers_at, wire
from lab.topology.model import Topology


@pytest.fixture(scope="module")
def two_region() -> Topology:
    with open("topologies/two-region.yaml", encoding="utf-8") as file:
        return Topology.model_validate(YAML(typ="safe").load(file))


class TestWire:
    def test_every_link_has_a_subnet_of_its_own(self, two_region: Topology) -> None:
        links = wire(two_region, default_subnets(two_region)).links

        assert len(links) == link_count(two_region) == 11
        assert len({link.subnet for link in links}) == 11

    def test_members_have_distinct_addresses_and_none_is_the_engines(
        self, two_region: Topology
    ) -> None:
        wiring = wire(two_region, default_subnets(two_region))

        for link in wiring.links:
            addresses = {wiring.address(link.name, m) for m in link.members}
            assert len(addresses) == len(link.members)
            assert link.subnet.network_address + 1 not in addresses
            assert all(a in link.subnet for a in addresses)

    def test_a_region_meets_its_transit_on_its_uplink_only(
        self, two_region: Topology
    ) -> None:
        wiring = wire(two_region, default_subnets(two_region))
        edge = wiring.interfaces("us-east-edge", "us-east-uplink")

        assert {p.link: p.boundary for p in edge} == {
            "us-east-fabric": False,
            "us-east-uplink": True,
        }

    def test_too_few_subnets_are_refused(self, two_region: Topology) -> None:
        with pytest.raises(ValueError, match="11 links need as many subnets"):
            wire(two_region, default_subnets(two_region)[:10])

    def test_an_address_on_a_foreign_link_is_an_error(
        self, two_region: Topology
    ) -> None:
        wiring = wire(two_region, default_subnets(two_region))

        with pytest.raises(KeyError, match="is not on a link"):
            wiring.address("eu-west-fabric", "us-east-edge")


class TestServersAt:
    def test_a_transit_hosts_what_says_so(self, two_region: Topology) -> None:
        names = [name for name, _ in servers_at(two_region, "transit-b")]

        assert names == ["tld", "provider-b", "public"]


class TestDelays:
    @pytest.fixture
    def atlantic(self, two_region: Topology) -> Topology:
        """Return the topology with its one link between transits 40 ms long."""
        (link,) = two_region.links
        long = link.model_copy(update={"delay_ms": 40})
        return two_region.model_copy(update={"links": (long,)})

    def test_both_ends_of_a_long_link_know_its_delay_and_one_would_relay(
        self, atlantic: Topology
    ) -> None:
        wiring = wire(atlantic, default_subnets(atlantic))
        (link,) = atlantic.links
        ends = [
            port
            for transit in link.between
            for port in wiring.interfaces(transit)
            if port.link == link.name
        ]

        assert [port.delay_ms for port in ends] == [40, 40]
        assert [port.relays for port in ends] == [True, False]

    def test_no_other_link_has_one(self, atlantic: Topology) -> None:
        links = wire(atlantic, default_subnets(atlantic)).links

        assert sum(link.delay_ms > 0 for link in links) == 1

"""Rules of names, delegations and hints that the daemons share."""

from __future__ import annotations

from ipaddress import IPv4Address

from lab.render.zones import delegations, root_hints, zone_name
from lab.topology.model import Parent, Topology
from tests.unit.worlds import quick


def deeper() -> Topology:
    """Return a topology whose zone lies below two top-level zones."""
    topology = quick()
    parents = [
        Parent(
            name=name,
            daemon="nsd",
            zone=zone,
            address=IPv4Address(f"198.18.0.{last}"),
            transit="transit-a",
        )
        for name, zone, last in (("root", ".", 2), ("uk", "uk", 3), ("co", "co.uk", 4))
    ]
    zone = topology.zone.model_copy(
        update={"name": "example.co.uk", "parents": tuple(parents)}
    )
    return topology.model_copy(update={"zone": zone})


class TestZoneName:
    def test_it_ends_in_one_dot(self) -> None:
        assert [zone_name(z) for z in (".", "com", "com.")] == [".", "com.", "com."]


class TestDelegations:
    def test_each_zone_is_delegated_by_the_nearest_one_above(self) -> None:
        topology = deeper()

        children = [
            [zone for zone, _ in delegations(topology, parent)]
            for parent in topology.zone.parents
        ]

        assert children == [["uk."], ["co.uk."], ["example.co.uk."]]

    def test_each_comes_with_the_addresses_of_its_servers(self) -> None:
        root = quick().zone.parents[0]

        assert delegations(quick(), root) == (
            ("com.", (("tld.servers.lab.", "198.18.1.2"),)),
        )


class TestRootHints:
    def test_only_the_root_is_in_them(self) -> None:
        assert root_hints(quick()) == (
            ". 3600000 IN NS root.servers.lab.\n"
            "root.servers.lab. 3600000 IN A 198.18.0.2\n"
        )

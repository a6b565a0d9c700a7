"""Rules of reading kernel route changes."""

from lab.node.network import parse_route_line


class TestParseRouteLine:
    def test_a_new_route_has_its_next_hop(self) -> None:
        line = "198.51.100.0/24 via 10.0.0.2 dev eth0 proto bird metric 32 \n"

        assert parse_route_line(line) == ("198.51.100.0/24", ["10.0.0.2"], False)

    def test_a_multipath_route_has_all_next_hops(self) -> None:
        line = (
            "198.51.100.0/24 proto bird metric 32 \\\tnexthop via 10.0.0.3 dev eth0 "
            "weight 1 \\\tnexthop via 10.0.0.4 dev eth0 weight 1 \n"
        )

        assert parse_route_line(line) == (
            "198.51.100.0/24",
            ["10.0.0.3", "10.0.0.4"],
            False,
        )

    def test_a_deleted_route_is_said_to_be(self) -> None:
        line = "Deleted 198.51.100.0/24 via 10.0.0.2 dev eth0 proto bird metric 32 \n"

        assert parse_route_line(line) == ("198.51.100.0/24", ["10.0.0.2"], True)

    def test_a_host_route_gets_its_length(self) -> None:
        line = "203.0.113.10 via 10.0.0.3 dev eth0 proto bird metric 32"

        assert parse_route_line(line) == ("203.0.113.10/32", ["10.0.0.3"], False)

    def test_an_unreachable_route_has_no_next_hop(self) -> None:
        line = "unreachable 203.0.113.0/25 proto bird metric 32"

        assert parse_route_line(line) == ("203.0.113.0/25", [], False)

    def test_local_and_broadcast_noise_is_nothing(self) -> None:
        assert (
            parse_route_line("local 10.0.0.2 dev eth0 table local proto kernel") is None
        )
        assert parse_route_line("Deleted broadcast 10.0.0.15 dev eth0") is None
        assert parse_route_line("") is None

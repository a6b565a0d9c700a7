"""Rules of reading kernel route changes."""

import json
import subprocess
from typing import Any

import pytest

from lab.node import network
from lab.node.network import parse_route_line
from lab.node.spec import Spec


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


class TestCut:
    PORTS = ("eth0", "eth1")

    @pytest.fixture
    def up(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
        """Which port is up; routes that are set are not looked at."""
        state = dict.fromkeys(self.PORTS, True)

        def set_link(port: str, *, up: bool) -> None:
            state[port] = up

        monkeypatch.setattr(network, "_flags", lambda port: int(state[port]))
        monkeypatch.setattr(network, "_set_link", set_link)
        monkeypatch.setattr(network, "batch", lambda lines: state.update(set=True))
        return state

    def test_one_port_that_is_down_is_a_cut(self, up: dict[str, bool]) -> None:
        assert not network.is_cut(self.PORTS)

        network.cut_links(["eth1"])

        assert up == {"eth0": True, "eth1": False}
        assert network.is_cut(self.PORTS)

    def test_only_what_was_cut_is_mended_with_its_routes(
        self, up: dict[str, bool], spec: Spec
    ) -> None:
        network.links_up(spec, self.PORTS)
        assert "set" not in up

        network.cut_links(["eth0"])
        network.links_up(spec, self.PORTS)

        assert up == {"eth0": True, "eth1": True, "set": True}

    @pytest.fixture
    def spec(self) -> Spec:
        return Spec(
            loopbacks=[],
            routes=[],
            boundary=[],
            keep_net_admin=True,
            processes=[],
            conditions=[],
        )


class TestMarked:
    def test_marked_packets_have_a_rule_and_a_route_of_their_own(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[str] = []
        monkeypatch.setattr(network, "batch", told.extend)
        way = {"prefix": "0.0.0.0/0", "via": "10.0.0.1"}
        marked = {"prefix": "0.0.0.0/0", "via": "10.0.0.4", "mark": 2}

        network.configure(
            Spec(
                loopbacks=[],
                routes=[way, marked],
                boundary=[],
                keep_net_admin=True,
                processes=[],
                conditions=[],
            )
        )

        assert told == [
            "rule add pref 100 fwmark 2 lookup 2",
            "route replace 0.0.0.0/0 via 10.0.0.1",
            "route replace 0.0.0.0/0 via 10.0.0.4 table 2",
        ]


class TestBarred:
    def test_hosts_are_read_off_the_rules_to_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown = [{"src": "198.18.0.53"}, {"src": "all", "dst": "198.18.0.53"}]

        def run(argv: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            return subprocess.CompletedProcess(argv, 0, stdout=json.dumps(shown))

        monkeypatch.setattr(network.subprocess, "run", run)

        assert network.barred() == ["198.18.0.53"]

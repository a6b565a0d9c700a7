"""Rules of the readiness probes that need no daemon."""

import json
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest

from lab.node import probes
from lab.node.probes import dns_addresses, dns_question, holds, probe_route


def _reply(*addresses: str) -> bytes:
    message = dns.message.make_response(
        dns.message.from_wire(dns_question("www.example.com.", 7))
    )
    if addresses:
        message.answer.append(
            dns.rrset.from_text("www.example.com.", 60, "IN", "A", *addresses)
        )
    return message.to_wire()


class TestDns:
    def test_the_question_is_what_another_parser_reads(self) -> None:
        message = dns.message.from_wire(dns_question("www.example.com.", 7))

        assert message.id == 7
        assert message.flags & dns.flags.RD
        assert message.question[0].to_text() == "www.example.com. IN A"

    def test_a_subnet_is_told_as_another_parser_reads_it(self) -> None:
        wire = dns_question("www.example.com.", 7, "198.18.40.10")
        (told,) = dns.message.from_wire(wire).options

        assert told.to_text() == "ECS 198.18.40.0/24 scope/0"

    def test_all_addresses_of_a_compressed_reply_are_read(self) -> None:
        reply = _reply("203.0.113.10", "203.0.113.138")

        rcode, addresses = dns_addresses(reply)

        assert rcode == 0
        assert sorted(addresses) == ["203.0.113.10", "203.0.113.138"]

    def test_an_empty_answer_has_no_address(self) -> None:
        assert dns_addresses(_reply()) == (0, [])

    def test_the_root_is_asked_by_an_empty_name(self) -> None:
        message = dns.message.from_wire(dns_question(".", 7))

        assert message.question[0].name.to_text() == "."


class TestRoute:
    TABLE = (
        {"dst": "198.18.0.0/24", "gateway": "10.0.0.1"},
        {"dst": "198.51.100.0/24", "nexthops": [{}, {}]},
        {"dst": "203.0.113.10", "gateway": "10.0.0.2"},
    )

    @pytest.fixture(autouse=True)
    def _ip(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "ip").write_text(f"#!/bin/sh\necho '{json.dumps(self.TABLE)}'\n")
        (tmp_path / "ip").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def test_every_prefix_has_its_paths(self) -> None:
        wanted = {"198.18.0.0/24": 1, "198.51.100.0/24": 2, "203.0.113.10/32": 1}

        assert probe_route({"prefixes": wanted}) == (True, "")

    def test_what_is_missing_is_said(self) -> None:
        held, seen = probe_route({"prefixes": {"198.18.0.0/24": 2, "198.18.1.0/24": 1}})

        assert not held
        assert seen == (
            "198.18.0.0/24 has 1 of 2 paths, 198.18.1.0/24 has 0 of 1 paths"
        )


class TestHolds:
    def test_what_cannot_be_reached_does_not_hold(self) -> None:
        args = {"host": "127.0.0.1", "port": 1, "path": "/"}

        good, seen = holds({"kind": "http", "args": args})

        assert not good
        assert "ConnectionRefusedError" in seen


ANSWERS = {"rr": "203.0.113.10", "failover": "203.0.113.10", "geo": "203.0.113.74"}
SERVED = {"203.0.113.10": "us-east", "203.0.113.74": "eu-west"}
ARGS = {
    "resolvers": {"honest": "198.18.32.53"},
    "names": ["rr", "failover", "geo"],
    "regions": {"failover": "us-east"},
}


class TestJourney:
    """Of two names that lead to one address, and one that leads elsewhere."""

    @pytest.fixture
    def fetched(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Addresses of which something was fetched."""
        seen: list[str] = []

        def ask(_: str, name: str) -> tuple[int, list[str]]:
            return 0, [ANSWERS[name]] if name in ANSWERS else []

        def get(host: str, _port: int, _path: str, _name: str) -> tuple[int, str]:
            seen.append(host)
            region = SERVED.get(host, "")
            return (200, json.dumps({"region": region})) if region else (503, "")

        monkeypatch.setattr(probes, "ask", ask)
        monkeypatch.setattr(probes, "get", get)
        return seen

    def test_an_address_is_tried_once_for_all_its_names(
        self, fetched: list[str]
    ) -> None:
        assert probes.probe_journey(ARGS) == (True, "")
        assert fetched == ["203.0.113.10", "203.0.113.74"]

    def test_every_name_must_lead_to_its_own_region(self, fetched: list[str]) -> None:
        args = {**ARGS, "regions": {"rr": "us-east", "failover": "eu-west"}}

        good, seen = probes.probe_journey(args)

        assert not good
        assert seen == "failover by honest: status 200 us-east"
        assert fetched == ["203.0.113.10"]

    @pytest.mark.usefixtures("fetched")
    def test_a_name_without_address_is_said(self) -> None:
        args = {**ARGS, "names": ["rr", "nobody"]}

        assert probes.probe_journey(args) == (False, "honest has no address for nobody")

    @pytest.mark.usefixtures("fetched")
    def test_a_region_that_fails_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(ANSWERS, "geo", "203.0.113.99")

        assert probes.probe_journey(ARGS) == (False, "geo by honest: status 503")


class TestAnnounced:
    SHOWN = (
        "0001 BIRD 2.17.1 ready.\n"
        "2002-Name       Proto      Table      State  Since         Info\n"
        "1002-device1    Device     ---        up     11:40:22.100  \n"
        " anycast    Static     master4    up     11:40:23.012  \n"
        " unicast    Static     master4    down   11:40:22.100  \n"
        "0000 \n"
    )

    @pytest.mark.parametrize(
        ("routes", "seen"),
        [
            (["anycast"], (True, "")),
            (["anycast", "unicast"], (False, "unicast is disabled")),
            (["device1"], (False, "device1 is disabled")),
        ],
    )
    def test_every_static_protocol_must_be_enabled(
        self,
        monkeypatch: pytest.MonkeyPatch,
        routes: list[str],
        seen: tuple[bool, str],
    ) -> None:
        monkeypatch.setattr(probes, "bird", lambda *_: self.SHOWN)

        assert probes.probe_announced({"socket": "", "routes": routes}) == seen

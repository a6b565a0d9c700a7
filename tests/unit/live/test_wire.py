"""What is read out of an authority's capture."""

from __future__ import annotations

from pathlib import Path

import dns.edns
import dns.message
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from lab.history import Event, EventKind
from lab.live.wire import carried
from tests.unit import worlds

TOPOLOGY = worlds.quick()
AUTHORITY, RESOLVER, USER = "198.18.0.53", "198.18.32.53", "198.18.40.10"
START_NS = 1_000_000_000_000_000_000


def query(name: str, *, source: str = RESOLVER, subnet: str = "") -> Packet:
    options = [dns.edns.ECSOption.from_text(subnet)] if subnet else []
    message = dns.message.make_query(f"{name}.example.com.", "A", options=options)
    wire = message.to_wire()
    sent = Ether() / IP(src=source, dst=AUTHORITY) / UDP(sport=4000, dport=53)
    return sent / Raw(wire)


def seen(folder: Path, *packets: Packet) -> list[Event]:
    for number, packet in enumerate(packets):
        packet.time = START_NS / 1e9 + number + 1
    empty = Ether() / IP(src=AUTHORITY, dst=RESOLVER) / UDP(sport=53, dport=4000)
    wrpcap(str(folder / "provider-a.pcap"), list(packets))
    wrpcap(str(folder / "provider-b.pcap"), [empty])
    return list(carried(TOPOLOGY, folder, wall_ns_at_start=START_NS))


def upstream(events: list[Event]) -> list[dict[str, object]]:
    return [e.detail for e in events if e.kind is EventKind.UPSTREAM]


class TestQueries:
    def test_of_a_resolver_tell_who_and_what(self, tmp_path: Path) -> None:
        (first, *_) = seen(tmp_path, query("geo"))

        assert first.detail == {"resolver": "us-honest", "name": "geo", "subnet": ""}
        assert (first.node, first.at_ns) == ("provider-a", 1_000_000_000)

    def test_tell_the_subnet_that_they_told(self, tmp_path: Path) -> None:
        events = seen(tmp_path, query("geo", subnet="198.18.40.0/24"))
        assert upstream(events)[0]["subnet"] == "198.18.40.0/24"

    def test_of_users_are_none_of_a_resolver(self, tmp_path: Path) -> None:
        assert upstream(seen(tmp_path, query("geo", source=USER))) == []

    def test_for_the_zone_itself_do_not_count(self, tmp_path: Path) -> None:
        packet = query("geo")
        packet[Raw].load = dns.message.make_query("example.com.", "NS").to_wire()
        assert upstream(seen(tmp_path, packet)) == []

    def test_that_are_none_do_not_count(self, tmp_path: Path) -> None:
        packet = query("geo")
        packet[Raw].load = b"not a message"
        assert upstream(seen(tmp_path, packet)) == []


class TestCarried:
    def test_counts_what_is_not_dns(self, tmp_path: Path) -> None:
        web = Ether() / IP(src=USER, dst=AUTHORITY) / TCP(dport=80)
        events = seen(tmp_path, query("geo"), web, web)
        told = {e.node: e.detail for e in events if e.kind is EventKind.CARRIED}

        assert told["provider-a"] == {"dns": 1, "foreign": 2}
        assert told["provider-b"] == {"dns": 1, "foreign": 0}

    def test_what_a_router_says_of_a_health_check_belongs_to_the_check(
        self, tmp_path: Path
    ) -> None:
        def unreachable(source: str) -> Packet:
            lost = IP(src=source, dst="203.0.113.10") / TCP(sport=4000, dport=80)
            said = Ether() / IP(src="10.0.0.1", dst=AUTHORITY)
            return said / ICMP(type=3, code=1) / lost

        events = seen(tmp_path, query("geo"), unreachable(AUTHORITY), unreachable(USER))
        told = {e.node: e.detail for e in events if e.kind is EventKind.CARRIED}

        assert told["provider-a"] == {"dns": 1, "foreign": 1}

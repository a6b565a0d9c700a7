"""What authorities carried, read from the captures of a run."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import dns.edns
import dns.exception
import dns.message
from scapy.utils import RawPcapReader

from lab.history import Event, EventKind
from lab.topology.model import Topology

_ETHERNET, _ICMP, _TCP, _UDP, _DNS, _HTTP = 14, 1, 6, 17, 53, 80
#: Type of an ICMP message, and where the packet begins that it is about (RFC 792).
_UNREACHABLE, _ABOUT = 3, 8
_NS_PER_US = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packet:
    """An IPv4 packet: its two ends, and the payload if it is UDP.

    `undelivered` is the packet that it reports as such, if it is about one.
    """

    source: str
    ports: tuple[int, int]
    payload: bytes
    undelivered: _Packet | None = None

    @property
    def is_dns(self) -> bool:
        return _DNS in self.ports

    def ends_a_check(self, checker: str) -> bool:
        """Tell whether a router says that a health check did not get through."""
        check = self.undelivered
        return check is not None and (check.source, check.ports[1]) == (checker, _HTTP)


def carried(
    topology: Topology, folder: Path, *, wall_ns_at_start: int
) -> Iterator[Event]:
    """Yield the queries of resolvers that each authority got, and what it carried.

    Args:
        topology: Whose resolver is where, and which nodes are authorities.
        folder: With a capture for each authority, `<node>.pcap`.
        wall_ns_at_start: The wall clock, which captures use, at the run's start.
    """
    resolvers = {str(r.address): r.name for r in topology.resolvers}
    for provider in topology.zone.providers:
        dns_packets = foreign = 0
        at_ns = 0
        for at_ns, packet in _packets(folder / f"{provider.name}.pcap"):
            dns_packets += packet.is_dns
            own = packet.is_dns or packet.ends_a_check(str(provider.address))
            foreign += not own
            resolver = resolvers.get(packet.source)
            if resolver and packet.ports[1] == _DNS:
                asked = _question(packet.payload, topology.zone.name)
                if asked:
                    yield Event(
                        at_ns=at_ns - wall_ns_at_start,
                        kind=EventKind.UPSTREAM,
                        node=provider.name,
                        detail={"resolver": resolver, **asked},
                    )
        yield Event(
            at_ns=max(at_ns - wall_ns_at_start, 0),
            kind=EventKind.CARRIED,
            node=provider.name,
            detail={"dns": dns_packets, "foreign": foreign},
        )


def _packets(path: Path) -> Iterator[tuple[int, _Packet]]:
    """Yield (wall clock, packet) of every packet in a capture."""
    with RawPcapReader(str(path)) as reader:
        for frame, facts in reader:
            packet = packet_in(frame[_ETHERNET:])
            yield (facts.sec * 1_000_000 + facts.usec) * _NS_PER_US, packet


def packet_in(data: bytes) -> _Packet:
    """Return the packet that these bytes are, ports 0 where there are none.

    Source:
        RFC 791, section 3.1; RFC 768.
    """
    header = (data[0] & 0x0F) * 4
    protocol, source = data[9], str(IPv4Address(data[12:16]))
    ports = (0, 0)
    if protocol in (_TCP, _UDP):
        ports = struct.unpack_from("!HH", data, header)
    payload = data[header + 8 :] if protocol == _UDP else b""
    reports = protocol == _ICMP and data[header] == _UNREACHABLE
    undelivered = packet_in(data[header + _ABOUT :]) if reports else None
    return _Packet(source=source, ports=ports, payload=payload, undelivered=undelivered)


def _question(payload: bytes, zone: str) -> dict[str, str] | None:
    """Return the name in the zone that a query asks for, and the subnet it tells."""
    try:
        message = dns.message.from_wire(payload)
    except dns.exception.DNSException:
        return None
    name = message.question[0].name.to_text().lower() if message.question else ""
    suffix = f".{zone}."
    if not name.endswith(suffix):
        return None
    told = (o for o in message.options if isinstance(o, dns.edns.ECSOption))
    subnet = next((f"{o.address}/{o.srclen}" for o in told), "")
    return {"name": name.removesuffix(suffix), "subnet": subnet}

"""Packet captures in nodes, streamed into the run's folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from lab.errors import NotReady
from lab.live.fleet import Fleet
from lab.live.streams import STDERR, STDOUT, Connection, Lines
from lab.topology.model import Topology

#: Beginnings, ends and payloads of the service's connections, and all of DNS.
#: Source: pcap-filter(7); a TCP segment's payload is what its two headers leave.
CLIENTS_FILTER = (
    "(tcp port 80 and (tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0"
    " or (ip[2:2] - ((ip[0] & 0xf) << 2)) - ((tcp[12] & 0xf0) >> 2) != 0))"
    " or udp port 53"
)
#: All that an authority carries, but for the health checks that are its own.
AUTHORITY_FILTER = "ip and not (host {own} and tcp port 80 and ({checked}))"
#: Ends with its input, so that a killed harness leaves no capture behind.
_SCRIPT = (
    'tcpdump -n -i eth0 -Z root -U -s 256 "$@" -w - "$0" </dev/null & '
    "cat >/dev/null; kill -INT $!; wait $!"
)
_START_S = 5.0
_END_S = 5.0


def filters(topology: Topology) -> dict[str, str]:
    """Return what is captured on which node: clients' nodes and authorities."""
    regions = " or ".join(f"host {r.address}" for r in topology.regions)
    return {
        **{a.clients.name: CLIENTS_FILTER for a in topology.access},
        **{
            p.name: AUTHORITY_FILTER.format(own=p.address, checked=regions)
            for p in topology.zone.providers
        },
    }


@contextmanager
def capturing(
    fleet: Fleet, filters: Mapping[str, str], folder: Path, *, at_once: bool = False
) -> Iterator[None]:
    """Capture on nodes, each with its filter, into `folder/<node>.pcap`.

    With `at_once` no packet is still on its way when the capture ends; that costs a
    wake-up for each of them (pcap(3PCAP), packet buffer timeout).

    Raises:
        NotReady: A capture did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as captures:
        for node, wanted in filters.items():
            path = folder / f"{node}.pcap"
            argv = (wanted, "--immediate-mode") if at_once else (wanted,)
            captures.enter_context(_capture(fleet, node, argv, path))
        yield


@contextmanager
def _capture(
    fleet: Fleet, node: str, argv: tuple[str, ...], path: Path
) -> Iterator[None]:
    with path.open("wb") as file:
        connection = fleet.execute(node, "sh", "-c", _SCRIPT, *argv)
        capture = _Capture(file)
        capture.read(fleet, connection)
        try:
            if not capture.started.wait(_START_S):
                raise NotReady(f"{node}: tcpdump: {capture.said}")
            yield
        finally:
            connection.end_input()
            capture.ended.wait(_END_S)


class _Capture:
    def __init__(self, file: IO[bytes]) -> None:
        self.started = threading.Event()
        self.ended = threading.Event()
        self.said = "silent"
        self._file = file
        self._lines = Lines()

    def read(self, fleet: Fleet, connection: Connection) -> None:
        fleet.read(connection, self._take, self.ended.set)

    def _take(self, stream: int, payload: bytes) -> None:
        if stream == STDOUT:
            self._file.write(payload)
        elif stream == STDERR:
            for line in self._lines.feed(payload):
                self.said = line
                if "listening on" in line:
                    self.started.set()

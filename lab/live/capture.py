"""Packet captures in the clients' nodes, streamed into the run's folder."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from lab.errors import NotReady
from lab.live.fleet import Fleet
from lab.live.streams import STDERR, STDOUT, Connection, Lines

#: Beginnings, ends and payloads of the service's connections, and all of DNS.
#: Source: pcap-filter(7); a TCP segment's payload is what its two headers leave.
FILTER = (
    "(tcp port 80 and (tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0"
    " or (ip[2:2] - ((ip[0] & 0xf) << 2)) - ((tcp[12] & 0xf0) >> 2) != 0))"
    " or udp port 53"
)
#: Ends with its input, so that a killed harness leaves no capture behind.
_SCRIPT = (
    'tcpdump -n -i eth0 -Z root -U -s 256 -w - "$0" </dev/null & '
    "cat >/dev/null; kill -INT $!; wait $!"
)
_START_S = 5.0
_END_S = 5.0


@contextmanager
def capturing(fleet: Fleet, nodes: Iterable[str], folder: Path) -> Iterator[None]:
    """Capture on these nodes into `folder/<node>.pcap` until the way out.

    Raises:
        NotReady: A capture did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as captures:
        for node in nodes:
            captures.enter_context(_capture(fleet, node, folder / f"{node}.pcap"))
        yield


@contextmanager
def _capture(fleet: Fleet, node: str, path: Path) -> Iterator[None]:
    with path.open("wb") as file:
        connection = fleet.execute(node, "sh", "-c", _SCRIPT, FILTER)
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

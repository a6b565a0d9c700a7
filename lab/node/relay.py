"""`python3 -m lab.node.relay NAME NEAR FAR DELAY_MS`: a wire of some length.

What arrives at one port leaves by the other so much after it arrived, and the other way
round. Frames keep the kernel's notes on them (a checksum still to be filled in, a
segment still to be cut): what comes out is what went in. How long the wire is can be
told anew (`tell`), by a datagram to a socket of the relay's name.

Source: packet(7); `struct virtio_net_hdr` in linux/virtio_net.h; unix(7), "abstract".
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence

_ETH_P_ALL = 0x0003
_SOL_PACKET, _PACKET_VNET_HDR, _PACKET_IGNORE_OUTGOING = 263, 15, 23
_SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 33, 35
_TIMESPEC = struct.Struct("@qq")
#: The kernel's buffer holds what arrives while this process waits for its turn.
_RECEIVE_BYTES = 4 << 20
#: As much as a second of 64 Mbit/s; what comes on top is lost, as on a full router.
_MOST_BYTES = 8 << 20
#: The largest frame, and the kernel's notes.
_FRAME_BYTES = (1 << 16) + 64
#: Frames read in a row, before it is time to look whether others are due.
_AT_ONCE = 64
#: Number of the system call; `struct sched_attr`, its 48 bytes of size first.
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
_SCHED_ATTR = struct.Struct("=IIQiIQQQ")
_TURN_NS = 100_000
#: How long a relay may take to do as it is told.
_TOLD_S = 2.0
#: Two looks at clocks that are no farther apart count as one.
_NARROW_NS = 50_000
_NS = 1_000_000_000


class Held:
    """Frames on their way in one direction: first in, first out, each held as long."""

    def __init__(self, delay_ns: int, most_bytes: int = _MOST_BYTES) -> None:
        """Begin empty; `delay_ns` may change, and frames do not overtake by it."""
        self.delay_ns = delay_ns
        self._room = most_bytes
        self._frames: deque[tuple[int, bytes]] = deque()

    def put(self, frame: bytes, at_ns: int) -> bool:
        """Hold a frame that arrived at `at_ns`; False where there is no room for it."""
        if len(frame) > self._room:
            return False
        self._room -= len(frame)
        self._frames.append((at_ns + self.delay_ns, frame))
        return True

    def due(self, now_ns: int) -> Iterator[bytes]:
        """Let go of the frames whose time has come."""
        while self._frames and self._frames[0][0] <= now_ns:
            _, frame = self._frames.popleft()
            self._room += len(frame)
            yield frame

    @property
    def next_ns(self) -> int | None:
        """When the next frame is due, if one is held."""
        return self._frames[0][0] if self._frames else None


class Lane:
    """One direction: from a socket, for some time into a queue, to another socket."""

    def __init__(
        self, source: socket.socket, sink: socket.socket, delay_ns: int
    ) -> None:
        """Carry frames between two sockets that do not block."""
        self.source = source
        self.held = Held(delay_ns)
        self._sink = sink
        self._buffer = bytearray(_FRAME_BYTES)

    def take(self) -> None:
        """Hold what has arrived, counted from when the kernel received it."""
        lead_ns = _wall_clock_lead_ns()
        for _ in range(_AT_ONCE):
            try:
                size, notes, _, _ = self.source.recvmsg_into([self._buffer], 64)
            except BlockingIOError:
                return
            except OSError as exc:  # the port was taken down
                print(f"nothing to read: {exc}", flush=True)
                return
            frame = bytes(memoryview(self._buffer)[:size])
            if not self.held.put(frame, _received_ns(notes, lead_ns)):
                print(f"a frame of {size} bytes lost: too much is held", flush=True)

    def deliver(self) -> None:
        """Send what is due; what a port does not take is lost, as on a wire."""
        for frame in self.held.due(time.monotonic_ns()):
            try:
                self._sink.send(frame)
            except OSError as exc:
                print(f"a frame of {len(frame)} bytes lost: {exc}", flush=True)


def carry(lanes: Sequence[Lane], orders: socket.socket) -> None:
    """Take, deliver and obey, once: wait until there is something of that to do."""
    due = [lane.held.next_ns for lane in lanes if lane.held.next_ns is not None]
    wait_s = max(0, min(due) - time.monotonic_ns()) / _NS if due else None
    # Unlike epoll, select waits in microseconds.
    waited_for = [orders, *(lane.source for lane in lanes)]
    ready, _, _ = select.select(waited_for, [], [], wait_s)
    for lane in lanes:
        lane.deliver()
        if lane.source in ready:
            lane.take()
    if orders in ready:
        _obey(orders, lanes)


def _obey(orders: socket.socket, lanes: Sequence[Lane]) -> None:
    said, who = orders.recvfrom(64)
    for lane in lanes:
        lane.held.delay_ns = _ns(said.decode())
    orders.sendto(b"", who)


def _ns(ms: str) -> int:
    return int(float(ms) * 1e6)


def listen(name: str) -> socket.socket:
    """Return the socket on which a relay is told how long its wire is."""
    orders = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    orders.bind(f"\0{name}")
    return orders


def tell(name: str, delay_ms: float) -> None:
    """Tell a relay of this network namespace how long its wire is; it is on return.

    Raises:
        OSError: There is none of that name, or it is silent.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mine:
        mine.bind("")  # the kernel picks a name to reply to
        mine.settimeout(_TOLD_S)
        mine.sendto(str(delay_ms).encode(), f"\0{name}")
        mine.recv(1)


def _wall_clock_lead_ns() -> int:
    """Return how far ahead the wall clock, which the kernel stamps with, is of ours."""
    while True:
        before_ns = time.monotonic_ns()
        wall_ns = time.time_ns()
        after_ns = time.monotonic_ns()
        if after_ns - before_ns < _NARROW_NS:  # else somebody else had a turn between
            return wall_ns - after_ns


def _received_ns(notes: list[tuple[int, int, bytes]], lead_ns: int) -> int:
    """Return when the kernel received what came with these notes; now, if unsaid."""
    now_ns = time.monotonic_ns()
    for level, kind, content in notes:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, rest = map(int, _TIMESPEC.unpack(content))
            return min(now_ns, seconds * _NS + rest - lead_ns)
    return now_ns


def port(name: str) -> socket.socket:
    """Return a socket of all that arrives at a port, and to all that is behind it."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    opened.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
    opened.setblocking(False)
    opened.bind((name, _ETH_P_ALL))
    return opened


def ask_for_short_turns() -> None:
    """Ask the scheduler for short turns: those who do are let in sooner when they wake.

    With both cores busy, a twentieth of all round trips was 40 ms late without this and
    1 ms with it. Kernels before 6.12 take no notice.

    Source:
        sched_setattr(2); there `sched_runtime` of SCHED_OTHER is the length of a turn.
    """
    number = _SCHED_SETATTR.get(os.uname().machine)
    if number is None:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, 0, _SCHED_ATTR.pack(48, 0, 0, 0, 0, _TURN_NS, 0, 0), 0):
        print(f"turns stay long: {os.strerror(ctypes.get_errno())}", flush=True)


def main() -> None:
    """Carry frames both ways until the end."""
    ask_for_short_turns()
    name, near_port, far_port, delay_ms = sys.argv[1:]
    orders, near, far = listen(name), port(near_port), port(far_port)
    lanes = Lane(near, far, _ns(delay_ms)), Lane(far, near, _ns(delay_ms))
    while True:
        carry(lanes, orders)


if __name__ == "__main__":
    main()

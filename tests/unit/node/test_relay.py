"""Rules of a wire with a length: what is held, for how long, and what comes out."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest

from lab.node.relay import Held, Lane, carry

Pair = tuple[socket.socket, socket.socket]


class TestHeld:
    def test_a_frame_leaves_when_its_time_has_come_and_not_before(self) -> None:
        held = Held(delay_ns=40)
        held.put(b"frame", at_ns=100)

        assert list(held.due(139)) == []
        assert list(held.due(140)) == [b"frame"]

    def test_frames_leave_in_the_order_in_which_they_came(self) -> None:
        held = Held(delay_ns=40)
        for at_ns, frame in ((1, b"a"), (2, b"b"), (9, b"c")):
            held.put(frame, at_ns)

        assert list(held.due(48)) == [b"a", b"b"]
        assert held.next_ns == 49

    def test_nothing_is_due_where_nothing_is_held(self) -> None:
        held = Held(delay_ns=40)
        held.put(b"frame", at_ns=0)
        list(held.due(40))

        assert held.next_ns is None

    def test_what_finds_no_room_is_refused_until_there_is_some(self) -> None:
        held = Held(delay_ns=40, most_bytes=8)

        assert held.put(b"12345678", at_ns=0)
        assert not held.put(b"9", at_ns=1)
        list(held.due(40))
        assert held.put(b"9", at_ns=50)


@pytest.fixture
def pairs() -> Iterator[tuple[Pair, Pair]]:
    """Two wires, each with the relay's end first."""
    near = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end, other in (near, far):
        end.setblocking(False)
        other.settimeout(0)
    yield near, far
    for end in (*near, *far):
        end.close()


def carried_to(receiver: socket.socket, lanes: tuple[Lane, ...]) -> bytes:
    """Return the next frame at this end; one must be under way."""
    while not select.select([receiver], [], [], 0)[0]:
        carry(*lanes)
    return receiver.recv(64)


class TestCarry:
    DELAY_NS = 20_000_000

    def lanes(self, near: Pair, far: Pair) -> tuple[Lane, Lane]:
        there = Lane(near[0], far[0], self.DELAY_NS)
        return there, Lane(far[0], near[0], self.DELAY_NS)

    def test_frames_cross_unchanged_and_late_in_either_direction(
        self, pairs: tuple[Pair, Pair]
    ) -> None:
        near, far = pairs
        lanes = self.lanes(near, far)
        sent_ns = time.monotonic_ns()
        near[1].send(b"there")
        far[1].send(b"and back")

        there, back = carried_to(far[1], lanes), carried_to(near[1], lanes)

        assert (there, back) == (b"there", b"and back")
        assert time.monotonic_ns() - sent_ns >= self.DELAY_NS

    def test_a_frame_that_no_port_takes_is_told(
        self, pairs: tuple[Pair, Pair], capsys: pytest.CaptureFixture[str]
    ) -> None:
        near, far = pairs
        lanes = self.lanes(near, far)
        near[1].send(b"lost")
        far[1].close()

        carry(lanes[0])
        carry(lanes[0])

        assert "a frame of 4 bytes lost" in capsys.readouterr().out

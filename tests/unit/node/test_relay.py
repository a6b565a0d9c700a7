"""Rules of a wire with a length: what is held, for how long, and what comes out."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.node.relay import Held, Lane, carry, listen, tell

Pair = tuple[socket.socket, socket.socket]
#: The name is this process's alone.
RELAY = f"relay-{os.getpid()}"


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

    def test_no_frame_overtakes_another_when_the_wire_gets_shorter(self) -> None:
        held = Held(delay_ns=40)
        held.put(b"a", at_ns=100)
        held.delay_ns = 10
        held.put(b"b", at_ns=101)

        assert list(held.due(139)) == []
        assert list(held.due(140)) == [b"a", b"b"]


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


@pytest.fixture
def orders() -> Iterator[socket.socket]:
    """Where the relay of this process is told how long its wire is."""
    with listen(RELAY) as opened:
        yield opened


def carried_to(
    receiver: socket.socket, lanes: tuple[Lane, ...], orders: socket.socket
) -> bytes:
    """Return the next frame at this end; one must be under way."""
    while not select.select([receiver], [], [], 0)[0]:
        carry(lanes, orders)
    return receiver.recv(64)


class TestCarry:
    DELAY_NS = 20_000_000

    def lanes(self, near: Pair, far: Pair) -> tuple[Lane, Lane]:
        there = Lane(near[0], far[0], self.DELAY_NS)
        return there, Lane(far[0], near[0], self.DELAY_NS)

    def test_frames_cross_unchanged_and_late_in_either_direction(
        self, pairs: tuple[Pair, Pair], orders: socket.socket
    ) -> None:
        near, far = pairs
        lanes = self.lanes(near, far)
        sent_ns = time.monotonic_ns()
        near[1].send(b"there")
        far[1].send(b"and back")

        there = carried_to(far[1], lanes, orders)
        back = carried_to(near[1], lanes, orders)

        assert (there, back) == (b"there", b"and back")
        assert time.monotonic_ns() - sent_ns >= self.DELAY_NS

    def test_a_frame_that_no_port_takes_is_told(
        self,
        pairs: tuple[Pair, Pair],
        orders: socket.socket,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        near, far = pairs
        lanes = self.lanes(near, far)
        near[1].send(b"lost")
        far[1].close()

        carry(lanes[:1], orders)
        carry(lanes[:1], orders)

        assert "a frame of 4 bytes lost" in capsys.readouterr().out


class TestTell:
    def test_who_is_told_of_another_length_has_it_when_the_teller_returns(
        self, pairs: tuple[Pair, Pair], orders: socket.socket
    ) -> None:
        near, far = pairs
        lanes = Lane(near[0], far[0], 0), Lane(far[0], near[0], 0)
        with ThreadPoolExecutor() as threads:
            told = threads.submit(tell, RELAY, 90.5)
            carry(lanes, orders)
            told.result()

        assert [lane.held.delay_ns for lane in lanes] == [90_500_000] * 2

    def test_a_relay_that_is_not_there_is_told_nothing(self) -> None:
        with pytest.raises(OSError, match="refused"):
            tell("relay-nowhere", 90)

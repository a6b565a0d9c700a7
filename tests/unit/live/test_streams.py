"""Rules of `lab.live.streams`."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from lab.errors import EnvironmentUnfit
from lab.live.streams import STDERR, STDOUT, Connection, Frames, Lines, Reader


def frame(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


class TestFrames:
    def test_one_chunk_may_hold_several_frames_of_both_streams(self) -> None:
        chunk = frame(STDOUT, b"out") + frame(STDERR, b"err")

        assert list(Frames().feed(chunk)) == [(STDOUT, b"out"), (STDERR, b"err")]

    @pytest.mark.parametrize("cut", range(1, 11))
    def test_a_frame_may_arrive_in_pieces(self, cut: int) -> None:
        whole = frame(STDOUT, b"out")
        frames = Frames()

        first = list(frames.feed(whole[:cut]))
        second = list(frames.feed(whole[cut:]))

        assert first + second == [(STDOUT, b"out")]


class TestLines:
    def test_a_line_counts_when_it_ends(self) -> None:
        lines = Lines()

        assert lines.feed(b"one\ntw") == ["one"]
        assert lines.feed(b"o\n") == ["two"]

    def test_bytes_that_are_no_text_are_replaced(self) -> None:
        assert Lines().feed(b"\xff\n") == ["\ufffd"]


class TestConnection:
    def test_the_input_of_what_has_ended_is_ended(self) -> None:
        near, far = socket.socketpair()
        far.close()
        near.close()

        Connection(near).end_input()

    def test_an_engine_behind_tls_or_ssh_is_refused(self) -> None:
        with pytest.raises(EnvironmentUnfit, match="Unix or a plain TCP socket"):
            Connection.over(object())


class TestReader:
    @pytest.fixture
    def failures(self) -> list[BaseException]:
        return []

    @pytest.fixture
    def reader(self, failures: list[BaseException]) -> Iterator[Reader]:
        reader = Reader(on_failure=failures.append)
        yield reader
        reader.close()

    def test_what_was_read_ahead_comes_first(self, reader: Reader) -> None:
        near, far = socket.socketpair()
        heard: list[tuple[int, bytes]] = []
        ended = threading.Event()
        whole = frame(STDOUT, b"early") + frame(STDOUT, b"late")
        connection = Connection(near, early=whole[:9])

        reader.add(connection, lambda n, b: heard.append((n, b)), ended.set)
        far.sendall(whole[9:])
        far.close()

        assert ended.wait(5)
        assert heard == [(STDOUT, b"early"), (STDOUT, b"late")]

    def test_a_callback_that_raises_is_told(
        self, reader: Reader, failures: list[BaseException]
    ) -> None:
        near, far = socket.socketpair()

        def fail(_number: int, _payload: bytes) -> None:
            raise ValueError("no")

        reader.add(Connection(near), fail, lambda: None)
        far.sendall(frame(STDOUT, b"x"))
        reader._thread.join(5)
        far.close()

        assert [str(failure) for failure in failures] == ["no"]

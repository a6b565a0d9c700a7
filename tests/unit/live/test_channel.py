"""Rules of `lab.live.channel`, with a node that is the other end of a socket."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from lab.errors import CommandFailed
from lab.live.channel import ENDED, TEXT, Channel, Message, output_of, replies
from lab.live.streams import STDERR, STDOUT, Connection, Reader

SOON_S = 5.0


class FakeNode:
    """Speaks as a node's first process does, when a test tells it to."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lines = end.makefile("rb")

    def say(self, stream: int = STDOUT, **message: object) -> None:
        self.print(json.dumps(message), stream)

    def print(self, line: str, stream: int = STDOUT) -> None:
        payload = line.encode() + b"\n"
        self._end.sendall(struct.pack(">BxxxL", stream, len(payload)) + payload)

    def obey(self) -> dict[str, Any]:
        command: dict[str, Any] = json.loads(self._lines.readline())
        return command

    def end(self) -> None:
        self._lines.close()
        self._end.close()


@pytest.fixture
def heard() -> SimpleQueue[Message]:
    return SimpleQueue()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, FakeNode]]:
    near, far = socket.socketpair()
    node = FakeNode(far)
    yield near, node
    node.end()


@pytest.fixture
def node(ends: tuple[socket.socket, FakeNode]) -> FakeNode:
    return ends[1]


@pytest.fixture
def channel(
    ends: tuple[socket.socket, FakeNode], heard: SimpleQueue[Message]
) -> Iterator[Channel]:
    failures: list[BaseException] = []
    reader = Reader(on_failure=failures.append)
    channel = Channel(
        "n1", Connection(ends[0]), listener=lambda _name, message: heard.put(message)
    )
    channel.open(reader.add)
    yield channel
    reader.close()
    assert failures == []


class TestRequests:
    def test_a_reply_finds_the_request_that_it_answers(
        self, channel: Channel, node: FakeNode
    ) -> None:
        first, second = channel.request("status"), channel.request("check")
        ids = [node.obey()["id"], node.obey()["id"]]

        node.say(kind="reply", id=ids[1], ok=True, which="second")
        node.say(kind="reply", id=ids[0], ok=True, which="first")

        assert first.reply(SOON_S)["which"] == "first"
        assert second.reply(SOON_S)["which"] == "second"

    def test_an_instant_is_agreed_on_before_the_reply(
        self, channel: Channel, node: FakeNode
    ) -> None:
        request = channel.request("crash", at_ns=17)
        command = node.obey()

        node.say(kind="armed", id=command["id"])
        request.wait_armed(SOON_S)

        assert command["at_ns"] == 17
        assert not request.done.done()

    def test_a_refusal_names_node_verb_and_reason(
        self, channel: Channel, node: FakeNode
    ) -> None:
        request = channel.request("crash")
        node.say(kind="reply", id=node.obey()["id"], ok=False, error="no")

        with pytest.raises(CommandFailed, match="n1: crash: no"):
            request.reply(SOON_S)

    def test_silence_is_a_failure(self, channel: Channel) -> None:
        with pytest.raises(CommandFailed, match=r"n1: status: no reply in 0\.01 s"):
            channel.request("status").reply(0.01)

    def test_the_end_of_the_node_is_a_failure(
        self, channel: Channel, node: FakeNode
    ) -> None:
        request = channel.request("status")
        node.end()

        with pytest.raises(CommandFailed, match="n1: status: it has ended"):
            request.reply(SOON_S)

    def test_replies_to_another_harness_are_not_ours(
        self, channel: Channel, node: FakeNode
    ) -> None:
        request = channel.request("status")
        number = node.obey()["id"]

        node.say(kind="reply", id=number + 1, ok=False)
        node.say(kind="reply", id=number, ok=True)

        assert request.reply(SOON_S)["ok"]

    def test_all_replies_keep_their_names(
        self, channel: Channel, node: FakeNode
    ) -> None:
        requests = {"a": channel.request("status")}
        node.say(kind="reply", id=node.obey()["id"], ok=True, x=1)

        assert replies(requests, SOON_S)["a"]["x"] == 1


class TestMessages:
    def test_everything_else_reaches_the_listener(
        self, channel: Channel, node: FakeNode, heard: SimpleQueue[Message]
    ) -> None:
        node.say(kind="ready", condition="c", t=1)

        assert heard.get(timeout=SOON_S) == {"kind": "ready", "condition": "c", "t": 1}
        assert not channel.ended

    @pytest.mark.parametrize("line", ["Traceback", "17", '{"no": "kind"}', '{"torn'])
    def test_what_is_no_message_is_text(
        self, channel: Channel, node: FakeNode, heard: SimpleQueue[Message], line: str
    ) -> None:
        node.print(line)

        assert heard.get(timeout=SOON_S)["kind"] == TEXT
        assert list(channel.tail) == [line]

    def test_standard_error_is_text_even_if_it_looks_like_a_message(
        self, channel: Channel, node: FakeNode, heard: SimpleQueue[Message]
    ) -> None:
        node.say(STDERR, kind="ready", t=1)

        assert heard.get(timeout=SOON_S)["kind"] == TEXT
        assert not channel.ended

    def test_the_tail_keeps_log_lines_with_their_daemon(
        self, channel: Channel, node: FakeNode, heard: SimpleQueue[Message]
    ) -> None:
        node.say(kind="log", t=1, process="bird", line="hello")
        heard.get(timeout=SOON_S)

        assert list(channel.tail) == ["bird: hello"]

    def test_the_end_is_told_last(
        self, channel: Channel, node: FakeNode, heard: SimpleQueue[Message]
    ) -> None:
        node.say(kind="started", t=1)
        node.end()

        kinds = [heard.get(timeout=SOON_S)["kind"] for _ in range(2)]
        assert kinds == ["started", ENDED]
        assert channel.ended


class TestOutputOf:
    def test_output_is_that_of_a_program_that_worked(self) -> None:
        reply = {"status": 0, "stdout": "out", "stderr": ""}

        assert output_of(reply, "n1: run", ("true",)) == "out"

    def test_a_failed_program_tells_its_error(self) -> None:
        reply = {"status": 2, "stdout": "", "stderr": "bad\n"}

        with pytest.raises(CommandFailed, match="n1: run false: 2: bad"):
            output_of(reply, "n1: run", ("false",))

"""A JSON-lines channel to a program in a container: requests out, messages in.

The program is a node's first process or a client agent; both answer a request's `id`
with a line of the kind `reply`, and say other things whenever they happen.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from lab.errors import CommandFailed
from lab.live.streams import STDOUT, Connection, Lines, OnData, OnEnd

Message = dict[str, Any]
#: Takes (name of the channel, message), in the reader's thread.
Listener = Callable[[str, Message], None]

#: Kind of a line that is no JSON object: a traceback, a torn first line.
TEXT = "text"
#: Kind of the message that follows the last one: the program has ended.
ENDED = "ended"
_TAIL_LINES = 15
#: Several harnesses may talk to one node; each counts from a place of its own.
_FIRST_ID_BITS = 48


class Request:
    """A request under way.

    Attributes:
        armed: Done when the program has promised to act at the given instant.
        done: Done when it has replied.
    """

    def __init__(self, what: str) -> None:
        """Describe the request for messages."""
        self.what = what
        self.armed: Future[None] = Future()
        self.done: Future[Message] = Future()

    def wait_armed(self, timeout_s: float) -> None:
        """Return once the program has promised; raise what `reply` raises."""
        self._wait(self.armed, timeout_s)

    def reply(self, timeout_s: float) -> Message:
        """Return the reply.

        Raises:
            CommandFailed: The program refused, failed, ended, or did not reply in time.
        """
        message: Message = self._wait(self.done, timeout_s)
        if not message["ok"]:
            raise CommandFailed(f"{self.what}: {message.get('error', 'refused')}")
        return message

    def _wait(self, future: Future[Any], timeout_s: float) -> Any:
        try:
            return future.result(timeout_s)
        except TimeoutError as exc:
            raise CommandFailed(f"{self.what}: no reply in {timeout_s:g} s") from exc


class Channel:
    """The channel to one program.

    Attributes:
        name: Of the node.
        tail: Its last log lines, for messages about its end.
        ended: True once the program has closed its output.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        *,
        listener: Listener,
        kind_key: str = "kind",
    ) -> None:
        """Use a connection; `kind_key` is the key that tells the kind of a line."""
        self.name = name
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.ended = False
        self._connection = connection
        self._listener = listener
        self._kind_key = kind_key
        self._ids = itertools.count(random.getrandbits(_FIRST_ID_BITS))
        self._pending: dict[int, Request] = {}
        self._lock = threading.Lock()
        self._lines = {STDOUT: Lines()}

    def open(self, read: Callable[[Connection, OnData, OnEnd], None]) -> None:
        """Begin to listen; `read` is the reader's `add`."""
        read(self._connection, self._on_data, self._on_end)

    def request(self, do: str, *, at_ns: int | None = None, **facts: object) -> Request:
        """Send a request, to be carried out now or at an instant."""
        request = Request(f"{self.name}: {do}")
        number = next(self._ids)
        with self._lock:
            if self.ended:
                raise CommandFailed(f"{request.what}: it has ended")
            self._pending[number] = request
        when = {} if at_ns is None else {"at_ns": at_ns}
        self.send({"id": number, "do": do, **facts, **when})
        return request

    def send(self, message: Message) -> None:
        """Send one line.

        Raises:
            CommandFailed: The program has ended.
        """
        try:
            self._connection.send(json.dumps(message).encode() + b"\n")
        except OSError as exc:
            raise CommandFailed(f"{self.name}: does not listen ({exc})") from exc

    def run(self, *argv: str, timeout_s: float = 10) -> str:
        """Run a program in the node and return its standard output.

        Raises:
            CommandFailed: It failed.
        """
        request = self.request("run", argv=argv, timeout_s=timeout_s)
        return output_of(request.reply(timeout_s + 1), request.what, argv)

    def hang_up(self) -> None:
        """Close the program's standard input; nothing to do if it has ended."""
        self._connection.end_input()

    def _on_data(self, stream: int, payload: bytes) -> None:
        for line in self._lines.setdefault(stream, Lines()).feed(payload):
            if line:
                self._hear(self._message(line) if stream == STDOUT else _text(line))

    def _message(self, line: str) -> Message:
        try:
            message = json.loads(line)
        except ValueError:
            return _text(line)
        if not isinstance(message, dict) or self._kind_key not in message:
            return _text(line)
        return message

    def _hear(self, message: Message) -> None:
        kind = message.get(self._kind_key, TEXT)
        if kind in {"reply", "armed"}:
            self._settle(kind, message)
            return
        if kind in {"log", TEXT}:
            process = message.get("process")
            prefix = f"{process}: " if process else ""
            self.tail.append(prefix + message["line"])
        self._listener(self.name, message)

    def _settle(self, kind: str, message: Message) -> None:
        with self._lock:
            request = self._pending.get(message["id"])
            if request and kind == "reply":
                del self._pending[message["id"]]
        if request is None:  # another harness asked
            return
        if not request.armed.done():
            request.armed.set_result(None)
        if kind == "reply":
            request.done.set_result(message)

    def _on_end(self) -> None:
        with self._lock:
            self.ended = True
            pending, self._pending = self._pending, {}
        for request in pending.values():
            failure = CommandFailed(f"{request.what}: it has ended")
            for future in (request.armed, request.done):
                if not future.done():
                    future.set_exception(failure)
        at_ns = time.monotonic_ns()
        self._listener(self.name, {self._kind_key: ENDED, "t": at_ns})


def output_of(reply: Message, what: str, argv: tuple[str, ...]) -> str:
    """Return the output in a `run` reply.

    Raises:
        CommandFailed: The program's status was not 0.
    """
    if reply["status"] != 0:
        said = (reply["stderr"] or reply["stdout"]).strip()
        raise CommandFailed(f"{what} {' '.join(argv)}: {reply['status']}: {said}")
    return str(reply["stdout"])


def replies(requests: Mapping[str, Request], timeout_s: float) -> dict[str, Message]:
    """Return every reply, by the names given; all have `timeout_s` together."""
    deadline = time.monotonic() + timeout_s
    return {
        name: request.reply(max(0.0, deadline - time.monotonic()))
        for name, request in requests.items()
    }


def _text(line: str) -> Message:
    return {"kind": TEXT, "type": TEXT, "line": line}

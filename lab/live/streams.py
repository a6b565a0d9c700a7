"""Byte streams of containers: demultiplexed, cut into lines, read by one thread.

Source: Docker Engine API, "Attach to a container", stream format: a frame is the
stream's number, three zero bytes, the payload's length (big endian), the payload.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Self

from lab.errors import EnvironmentUnfit

STDOUT, STDERR = 1, 2
_HEADER = struct.Struct(">BxxxL")
_CHUNK = 1 << 16


class Frames:
    """Turns chunks of a multiplexed stream into (stream number, payload)."""

    def __init__(self) -> None:
        """Begin at a frame's header."""
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the frames that this chunk completes."""
        self._buffer += chunk
        at = 0
        while len(self._buffer) - at >= _HEADER.size:
            number, size = _HEADER.unpack_from(self._buffer, at)
            end = at + _HEADER.size + size
            if len(self._buffer) < end:
                break
            yield number, bytes(self._buffer[at + _HEADER.size : end])
            at = end
        del self._buffer[:at]


class Lines:
    """Turns chunks of text into whole lines."""

    def __init__(self) -> None:
        """Begin at a line's start."""
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that this chunk completes, without their ends."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole]


class Connection:
    """A program's standard streams in a container, over one socket."""

    def __init__(self, sock: socket.socket, early: bytes = b"") -> None:
        """Use a connected socket; `early` was read from it already."""
        self.socket = sock
        self.early = early
        self._lock = threading.Lock()

    @classmethod
    def over(cls, hijacked: object) -> Self:
        """Take over the socket that the SDK returns for an attach or an exec.

        Reading the reply's header may have read ahead into the stream; those bytes
        are in a buffer that the SDK forgets, and without them no frame would begin
        where it should.

        Raises:
            EnvironmentUnfit: The engine is reached by TLS or SSH, whose sockets
                cannot be watched by a selector.
        """
        if not isinstance(hijacked, socket.SocketIO):
            raise EnvironmentUnfit(
                "the engine must be reached by a Unix or a plain TCP socket "
                f"(DOCKER_HOST), not by {type(hijacked).__name__}"
            )
        # The SDK keeps the reply here so that it is not collected.
        reply: Any = hijacked._response  # type: ignore[attr-defined]
        buffered = reply.raw._fp.fp
        original: socket.socket = hijacked._sock  # type: ignore[attr-defined]
        original.setblocking(False)
        early = buffered.read1(_CHUNK) or b""
        sock = original.dup()
        sock.settimeout(None)
        reply.close()
        hijacked.close()
        return cls(sock, early)

    def send(self, data: bytes) -> None:
        """Write to the program's standard input; whole, whoever else writes."""
        with self._lock:
            self.socket.sendall(data)

    def end_input(self) -> None:
        """Close the program's standard input; nothing to do if it has ended."""
        with self._lock, suppress(OSError):  # the socket is closed or disconnected
            self.socket.shutdown(socket.SHUT_WR)


OnData = Callable[[int, bytes], None]
OnEnd = Callable[[], None]


class Reader:
    """One thread that reads every connection and calls back."""

    def __init__(self, *, on_failure: Callable[[BaseException], None]) -> None:
        """Start the thread; `on_failure` is told when a callback raises."""
        self._on_failure = on_failure
        self._selector = selectors.DefaultSelector()
        self._waker, wakened = socket.socketpair()
        self._selector.register(wakened, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._read, name="reader", daemon=True)
        self._thread.start()

    def add(self, connection: Connection, on_data: OnData, on_end: OnEnd) -> None:
        """Read a connection from now on.

        The callbacks run in the reader's thread (for what has arrived already, in the
        caller's): `on_data(stream number, payload)` for every frame, `on_end()` once,
        when the other side has closed.
        """
        frames = Frames()

        def on_chunk(chunk: bytes) -> None:
            for number, payload in frames.feed(chunk):
                on_data(number, payload)

        on_chunk(connection.early)
        watched = (connection, on_chunk, on_end)
        self._selector.register(connection.socket, selectors.EVENT_READ, watched)

    def close(self) -> None:
        """End the thread and close every connection."""
        self._waker.close()
        self._thread.join()
        for key in tuple(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # all are sockets
        self._selector.close()

    def _read(self) -> None:
        try:
            while True:
                for key, _ in self._selector.select():
                    if key.data is None:  # the waker has closed: this is the end
                        return
                    self._read_one(*key.data)
        except BaseException as exc:  # a thread has no caller to raise to
            self._on_failure(exc)

    def _read_one(
        self, connection: Connection, on_chunk: Callable[[bytes], None], on_end: OnEnd
    ) -> None:
        try:
            chunk = connection.socket.recv(_CHUNK)
        except ConnectionError:
            chunk = b""
        if chunk:
            on_chunk(chunk)
            return
        self._selector.unregister(connection.socket)
        connection.socket.close()
        on_end()

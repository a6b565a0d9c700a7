"""One HTTP request on one new TCP connection, on a bare non-blocking socket.

Bare, because the source address has to be bound without taking a port, and because
a stream pair costs more than a whole attempt may. How a connection ends matters:

- After a reply the server closes first (`Connection: close`) and holds TIME_WAIT;
  the socket waits for that, out of the attempt's way.
- After anything else it is reset, so that neither TIME_WAIT nor a half-closed
  connection to a dead peer is left behind holding a port.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.agent.reply import Reply, read_reply

#: Choose the port at connect, when the whole four-tuple is known; else 28,000 ports
#: have to do for all destinations together. Source: ip(7), since Linux 4.2.
_IP_BIND_ADDRESS_NO_PORT = 24
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger; socket(7)
_READ_BYTES = 16_384

_WORDS = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "connect-timeout",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to send, from where to which port.

    Attributes:
        timeout_s: How long to wait for the connection, and again for the reply.
    """

    source: str
    port: int
    wire: bytes
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an exchange ended, and when.

    Attributes:
        error: "" after a reply; `local-…` if this host could not even try.
        unused: The connection was established, then closed before any byte of a
            reply.
    """

    at_ns: int
    reply: Reply | None = None
    error: str = ""
    unused: bool = False


class Exchange:
    """A connection, from its first packet to its last."""

    __slots__ = ("_data", "_loop", "_request", "_socket", "_timer", "done")

    def __init__(self, loop: asyncio.AbstractEventLoop, request: Request) -> None:
        """Nothing is sent before `begin`."""
        self._loop = loop
        self._request = request
        self._data = b""
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.done: asyncio.Future[Ending] = loop.create_future()

    def begin(self, address: str) -> asyncio.Future[Ending]:
        """Connect to the address; the future never fails."""
        try:
            self._socket = _bound_socket(self._request.source)
            status = self._socket.connect_ex((address, self._request.port))
        except OSError as error:
            self._fail(word(error.errno))
            return self.done
        if status == 0:
            self._established()
        elif status == errno.EINPROGRESS:
            self._wait(lambda: self._fail("connect-timeout"))
            self._loop.add_writer(self._socket.fileno(), self._connected)
        else:
            self._fail(word(status))
        return self.done

    def _connected(self) -> None:
        assert self._socket is not None
        self._loop.remove_writer(self._socket.fileno())
        status = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if status:
            self._fail(word(status))
        else:
            self._established()

    def _established(self) -> None:
        assert self._socket is not None
        try:
            self._socket.send(self._request.wire)  # fits an empty send buffer
        except OSError as error:
            self._fail(word(error.errno), unused=True)
            return
        self._wait(lambda: self._fail("read-timeout"))
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(word(error.errno), unused=not self._data)
            return
        self._data += data
        reply = read_reply(self._data, ended=not data)
        if reply is not None:
            self._succeed(reply, ended=not data)
        elif not data:
            self._fail("reset", unused=not self._data)

    def _succeed(self, reply: Reply, *, ended: bool) -> None:
        self._finish(Ending(at_ns=time.monotonic_ns(), reply=reply))
        if ended:
            self._close()
            return
        assert self._socket is not None
        self._loop.add_reader(self._socket.fileno(), self._linger)
        self._wait(self._reset)

    def _linger(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:  # reset by the peer: over as well, and the reply is in
            data = b""
        if not data:
            self._close()

    def _fail(self, error: str, *, unused: bool = False) -> None:
        at_ns = time.monotonic_ns()
        self._reset()
        retriable = unused and error == "reset"
        self._finish(Ending(at_ns=at_ns, error=error, unused=retriable))

    def _finish(self, ending: Ending) -> None:
        if not self.done.done():
            self.done.set_result(ending)

    def _reset(self) -> None:
        if self._socket is not None:
            self._socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
            )
        self._close()

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _wait(self, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._request.timeout_s, then)


def _bound_socket(source: str) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        bound.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        bound.bind((source, 0))
    except OSError:
        bound.close()
        raise
    return bound


def word(number: int | None) -> str:
    """Return the word for an error number of connect, send or receive.

    What is not the service's doing (no port, no descriptor left) is `local-…`.
    """
    if number in _WORDS:
        return _WORDS[number]
    return f"local-{errno.errorcode.get(number or 0, 'unknown').lower()}"

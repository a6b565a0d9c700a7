"""HTTP requests on one TCP connection, in the clear or in TLS, on a bare socket.

Bare, because the source address has to be bound without taking a port, and because
a stream pair costs more than a whole attempt may. How a connection ends matters:

- After a reply to `Connection: close` the server closes first and holds TIME_WAIT;
  the socket waits for that, out of the attempt's way.
- Kept after a reply, it carries the next request, until the server closes it.
- After anything else it is reset, so that neither TIME_WAIT nor a half-closed
  connection to a dead peer is left behind holding a port.
"""

from __future__ import annotations

import asyncio
import errno
import math
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.agent.reply import Reply, read_reply
from lab.agent.tls import Session, TlsFailed

#: Choose the port at connect, when the whole four-tuple is known; else 28,000 ports
#: have to do for all destinations together. Source: ip(7), since Linux 4.2.
_IP_BIND_ADDRESS_NO_PORT = 24
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger; socket(7)
_READ_BYTES = 16_384
_NS_PER_MS = 1_000_000

#: The word for an exchange that its own client gave up.
CANCELLED = "cancelled"

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
        keep: Whether the connection is kept for another request.
        source_port: To connect from; 0 is any.
        tls: What verifies the other side; None is in the clear.
        host: Name that it must be certified for.
    """

    source: str
    port: int
    wire: bytes
    timeout_s: float
    keep: bool = False
    source_port: int = 0
    tls: ssl.SSLContext | None = None
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an exchange ended, and when.

    Attributes:
        error: "" after a reply; `local-…` if this host could not even try.
        unused: The connection was established, then closed before any byte of a
            reply.
        connect_ms: What the connection took, if it was made for this and replied.
        tls_ms: What the handshake on it took, likewise.
        peer: Whom the other side's certificate names.
    """

    at_ns: int
    reply: Reply | None = None
    error: str = ""
    unused: bool = False
    connect_ms: float | None = None
    tls_ms: float | None = None
    peer: str = ""


class Exchange:
    """A connection, from its first packet to its last.

    Attributes:
        done: How the request now under way ends; it never fails.
        idle: A connection that waits for its next request.
    """

    __slots__ = (
        "_begun_ns",
        "_connect_ms",
        "_data",
        "_gate",
        "_loop",
        "_request",
        "_session",
        "_socket",
        "_timer",
        "_tls_ms",
        "_until",
        "done",
        "idle",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        request: Request,
        *,
        until: float = math.inf,
        gate: Callable[[Exchange], None] | None = None,
    ) -> None:
        """Nothing is sent before `begin`.

        Args:
            loop: The running one.
            request: What to ask.
            until: When to give up at the latest, in the loop's time.
            gate: Called instead of asking when the connection stands; it decides
                between `ask` and `cancel`.
        """
        self._loop = loop
        self._request = request
        self._until = until
        self._gate = gate
        self._data = b""
        self._begun_ns = 0
        self._connect_ms: float | None = None
        self._tls_ms: float | None = None
        self._session: Session | None = None
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.done: asyncio.Future[Ending] = loop.create_future()
        self.idle = False

    def begin(self, address: str) -> asyncio.Future[Ending]:
        """Connect to the address; the future never fails."""
        self._begun_ns = time.monotonic_ns()
        try:
            here = (self._request.source, self._request.source_port)
            self._socket = _bound_socket(here, family(address))
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

    def again(self, request: Request) -> asyncio.Future[Ending]:
        """Make another request on the idle connection."""
        self._request = request
        self.done = self._loop.create_future()
        self._data, self._connect_ms, self._tls_ms = b"", None, None
        self.ask()
        return self.done

    def cancel(self) -> None:
        """Give it up."""
        self._fail(CANCELLED)

    def ask(self) -> None:
        """Send the request on the connection that stands, in TLS after a handshake."""
        assert self._socket is not None
        self.idle = False
        context, session = self._request.tls, self._session
        if context is not None and session is None:
            self._begun_ns = time.monotonic_ns()
            session = self._session = Session(context, self._request.host)
            sent, then = self._send(session.shake()), self._shaking
        else:
            wire = self._request.wire
            sealed = wire if session is None else session.sealed(wire)
            sent, then = self._send(sealed), self._readable
        if sent:
            self._wait(lambda: self._fail("read-timeout"))
            self._loop.add_reader(self._socket.fileno(), then)

    def _send(self, data: bytes) -> bool:
        """Send what fits an empty send buffer; return whether that went well."""
        assert self._socket is not None
        try:
            self._socket.send(data)
        except OSError as error:
            self._fail(word(error.errno), unused=True)
            return False
        return True

    def _shaking(self) -> None:
        assert self._session is not None
        data = self._received()
        if data is None:
            return
        if not data:
            self._fail("reset", unused=True)
            return
        try:
            answer = self._session.shake(data)
        except TlsFailed as error:
            self._fail(str(error))
            return
        if answer and not self._send(answer):
            return
        if self._session.shaken:
            self._tls_ms = (time.monotonic_ns() - self._begun_ns) / _NS_PER_MS
            self.ask()

    def _connected(self) -> None:
        assert self._socket is not None
        self._loop.remove_writer(self._socket.fileno())
        status = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if status:
            self._fail(word(status))
        else:
            self._established()

    def _established(self) -> None:
        self._connect_ms = (time.monotonic_ns() - self._begun_ns) / _NS_PER_MS
        if self._gate is None:
            self.ask()
        else:
            self._gate(self)

    def _received(self) -> bytes | None:
        """Return what came, b"" at the end; None if nothing has, or it failed."""
        assert self._socket is not None
        try:
            return self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            self._fail(word(error.errno), unused=not self._data)
            return None

    def _readable(self) -> None:
        data = self._received()
        if data is None:
            return
        try:
            self._data += self._opened(data)
        except TlsFailed as error:
            self._fail(str(error))
            return
        reply = read_reply(self._data, ended=not data)
        if reply is not None:
            self._succeed(reply, ended=not data)
        elif not data:
            self._fail("reset", unused=not self._data)

    def _opened(self, data: bytes) -> bytes:
        return data if self._session is None else self._session.opened(data)

    def _succeed(self, reply: Reply, *, ended: bool) -> None:
        at_ns = time.monotonic_ns()
        if ended:
            self._close()
        else:
            self._rest(reply)
        peer = "" if self._session is None else self._session.peer
        self._finish(
            Ending(
                at_ns=at_ns,
                reply=reply,
                connect_ms=self._connect_ms,
                tls_ms=self._tls_ms,
                peer=peer,
            )
        )

    def _rest(self, reply: Reply) -> None:
        assert self._socket is not None
        self._loop.add_reader(self._socket.fileno(), self._linger)
        self.idle = self._request.keep and reply.persists
        if self.idle:
            self._stop_waiting()
        else:
            self._wait(self._reset)

    def _linger(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_READ_BYTES)
            self._opened(data)  # a session's tickets may come late
        except BlockingIOError:
            return
        except (OSError, TlsFailed):  # over as well, and the reply is in
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
        self.idle = False
        self._stop_waiting()
        if self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _wait(self, then: Callable[[], None]) -> None:
        self._stop_waiting()
        at = min(self._loop.time() + self._request.timeout_s, self._until)
        self._timer = self._loop.call_at(at, then)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def family(address: str) -> socket.AddressFamily:
    """Return the address family that an address is of."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _bound_socket(
    source: tuple[str, int], wanted: socket.AddressFamily
) -> socket.socket:
    """Return a socket bound to the source, if that can reach the wanted family.

    For the other family the kernel chooses a source (RFC 6724, section 5).
    """
    bound = socket.socket(wanted, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if family(source[0]) is not wanted:
        return bound
    try:
        # A port may be that of others too, towards somebody else.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not source[1]:
            bound.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        bound.bind(source)
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

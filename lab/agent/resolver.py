"""Asking one resolver over UDP, the way a stub does: one name, one retransmission.

No cache here; that is `stub`.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from lab.agent.exchange import family
from lab.agent.stub import Answer

TIMEOUT_S = 0.8
RETRANSMIT_S = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """A resolution that gave no address, and the word for it (`dns-timeout`)."""

    error: str
    at_ns: int


Resolution = Answer | NoAnswer


class _Query:
    __slots__ = ("done", "name", "timer", "wire")

    def __init__(
        self, name: str, wire: bytes, done: asyncio.Future[Resolution]
    ) -> None:
        self.name = name
        self.wire = wire
        self.done = done
        self.timer: asyncio.TimerHandle | None = None


class Resolver:
    """A resolver by address, asked from one socket."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        source: str,
        address: str,
        port: int = 53,
        timeout_s: float = TIMEOUT_S,
        retransmit_s: float = RETRANSMIT_S,
    ) -> None:
        """Open the socket; `timeout_s` is the whole wait, retransmission included."""
        self._loop = loop
        self._to = (address, port)
        self._retransmit_s = retransmit_s
        self._rest_s = timeout_s - retransmit_s
        self._questions: dict[str, bytes] = {}
        self._pending: dict[int, _Query] = {}
        self._socket = udp_socket(source, address)
        loop.add_reader(self._socket.fileno(), self._readable)

    def ask(self, name: str) -> asyncio.Future[Resolution]:
        """Ask for the addresses of an absolute name; the future never fails."""
        done: asyncio.Future[Resolution] = self._loop.create_future()
        qid = self._free_id()
        wire = qid.to_bytes(2, "big") + self._question(name)[2:]
        query = self._pending[qid] = _Query(name, wire, done)
        query.timer = self._loop.call_later(self._retransmit_s, self._again, qid)
        self._send(qid)
        return done

    def close(self) -> None:
        """Close the socket; questions still open stay unanswered."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _question(self, name: str) -> bytes:
        if name not in self._questions:
            message = dns.message.make_query(name, dns.rdatatype.A)
            self._questions[name] = message.to_wire()
        return self._questions[name]

    def _free_id(self) -> int:
        qid = random.getrandbits(16)
        while qid in self._pending:
            qid = random.getrandbits(16)
        return qid

    def _send(self, qid: int) -> None:
        try:
            self._socket.sendto(self._pending[qid].wire, self._to)
        except OSError:  # no route to it; nothing has left
            self._finish(qid, _no_answer("unreachable"))

    def _again(self, qid: int) -> None:
        timer = self._loop.call_later(self._rest_s, self._finish, qid, None)
        self._pending[qid].timer = timer
        self._send(qid)

    def _finish(self, qid: int, result: Resolution | None) -> None:
        query = self._pending.pop(qid)
        if query.timer:
            query.timer.cancel()
        if not query.done.done():
            query.done.set_result(result or _no_answer("timeout"))

    def _readable(self) -> None:
        while True:
            try:
                wire, sender = self._socket.recvfrom(4096)
            except BlockingIOError:
                return
            received_ns = time.monotonic_ns()
            query = self._pending.get(int.from_bytes(wire[:2], "big"))
            if query is None or sender[:2] != self._to:
                continue  # late, or not ours
            result = resolution_from_wire(wire, query.name, received_ns)
            self._finish(int.from_bytes(wire[:2], "big"), result)


def udp_socket(source: str, address: str) -> socket.socket:
    """Return a socket for questions to an address.

    It is bound to the source, if that can reach the address's family.
    """
    made = socket.socket(family(address), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    if family(source) is family(address):
        try:
            made.bind((source, 0))
        except OSError:
            made.close()
            raise
    return made


def resolution_from_wire(wire: bytes, name: str, received_ns: int) -> Resolution:
    """Return what a response says about an absolute name."""
    try:
        message = dns.message.from_wire(wire, ignore_trailing=True)
    except dns.exception.DNSException:
        return _no_answer("malformed", received_ns)
    if message.rcode() != dns.rcode.NOERROR:
        rcode = dns.rcode.to_text(message.rcode()).lower()
        return _no_answer(rcode, received_ns)
    if not isinstance(message, dns.message.QueryMessage) or [
        question.name.to_text() for question in message.question
    ] != [name]:
        return _no_answer("malformed", received_ns)
    chain = message.resolve_chaining()
    if chain.answer is None:
        return _no_answer("nodata", received_ns)
    return Answer(
        addresses=tuple(record.address for record in chain.answer),
        ttl_s=chain.minimum_ttl,
        received_ns=received_ns,
    )


def _no_answer(word: str, at_ns: int | None = None) -> NoAnswer:
    at_ns = time.monotonic_ns() if at_ns is None else at_ns
    return NoAnswer(error=f"dns-{word}", at_ns=at_ns)

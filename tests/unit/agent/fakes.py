"""Real servers in the test's own event loop: a resolver, services, a black hole.

All on loopback addresses and one free port, so that a client meets them as it would
meet the lab: by address alone.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Line = dict[str, Any]
#: What a fake resolver says: addresses and TTL, a response code, or nothing.
Saying = tuple[tuple[str, ...], int] | dns.rcode.Rcode | None


class FakeResolver(asyncio.DatagramProtocol):
    """Says what `says` returns for a name; remembers what it was asked."""

    def __init__(self, says: Callable[[str], Saying]) -> None:
        self.says = says
        self.asked: list[str] = []
        self.messages: list[dns.message.Message] = []
        self.peers: list[tuple[str, int]] = []
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, wire: bytes, sender: tuple[str, int]) -> None:
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text()
        self.asked.append(name)
        self.messages.append(query)
        self.peers.append(sender)
        saying = self.says(name)
        if saying is not None:
            wire = response(query, saying).to_wire(want_shuffle=False)
            self._transport.sendto(wire, sender)

    def close(self) -> None:
        self._transport.close()


def response(query: dns.message.Message, saying: Saying) -> dns.message.Message:
    """Return the response to a query that says so."""
    made = dns.message.make_response(query)
    if isinstance(saying, dns.rcode.Rcode):
        made.set_rcode(saying)
    elif saying and saying[0]:
        name = query.question[0].name.to_text()
        made.answer.append(
            dns.rrset.from_text_list(name, saying[1], "IN", "A", saying[0])
        )
    return made


@asynccontextmanager
async def resolver(says: Callable[[str], Saying]) -> AsyncIterator[FakeResolver]:
    """Serve a fake resolver on 127.0.0.1."""
    loop = asyncio.get_running_loop()
    transport, fake = await loop.create_datagram_endpoint(
        lambda: FakeResolver(says), local_addr=("127.0.0.1", 0)
    )
    try:
        yield fake
    finally:
        transport.close()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Service:
    """A TCP service: where it is, and how many connections it has had."""

    address: str
    port: int
    connections: int = 0
    peers: list[tuple[str, int]] = field(default_factory=list)


@asynccontextmanager
async def service(
    handler: Handler, *, address: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Service]:
    """Serve a handler; every connection is closed after it."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        made.connections += 1
        made.peers.append(writer.get_extra_info("peername"))
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, address, port)
    made = Service(address, server.sockets[0].getsockname()[1])
    async with server:
        yield made


async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reply as a backend does."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(http(200, {"region": "us-east", "pop": "us-east", "backend": "b1"}))
    await writer.drain()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, and say nothing for as long as the client stays."""
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection once the request is in."""
    await reader.readuntil(b"\r\n\r\n")
    bare = writer.get_extra_info("socket")
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def first(handler: Handler, then: Handler) -> Handler:
    """Return a handler that is one for the first connection, another from then on."""
    handlers = [handler]

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await (handlers.pop() if handlers else then)(reader, writer)

    return handle


def ever(handler: Handler) -> Handler:
    """Return a handler that is the same for request after request."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while not reader.at_eof():
            try:
                await handler(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return

    return handle


def replies(wire: bytes) -> Handler:
    """Return a handler that sends these bytes."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(wire)
        await writer.drain()

    return handle


def http(status: int, content: object, *headers: str) -> bytes:
    """Return an HTTP reply with a JSON body."""
    body = json.dumps(content)
    lines = (f"HTTP/1.1 {status} Word", f"Content-Length: {len(body)}", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@asynccontextmanager
async def black_hole(address: str, port: int) -> AsyncIterator[None]:
    """Let connection requests to the address vanish: its accept queue is full."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        with socket.create_connection((address, port)):
            yield


class Recorder:
    """Takes the agent's lines and lets a test wait for some."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._arrived = asyncio.Event()

    def write(self, line: Line) -> None:
        self.lines.append(line)
        self._arrived.set()

    def flush(self) -> None:
        """Nothing is held back."""

    def of(self, kind: str) -> list[Line]:
        """Return the lines of one type."""
        return [line for line in self.lines if line["type"] == kind]

    async def wait_for(self, kind: str, count: int = 1) -> list[Line]:
        """Return the lines of one type once there are that many."""
        async with asyncio.timeout(5):
            while len(self.of(kind)) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.of(kind)

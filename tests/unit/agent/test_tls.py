"""Rules of a request in TLS: who is trusted, and what is told of the handshake."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.agent.exchange import Ending, Exchange, Request
from lab.agent.tls import trusting
from lab.node.certificates import CERTIFICATE, KEY, make
from tests.unit.agent import fakes

LAB, NODE, NAME = "two-region", "us-east-l7-1", "failover.example.com"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("tls")
    make(LAB, NODE, (NAME,), folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    return context


@pytest.fixture(scope="module")
def trusted() -> ssl.SSLContext:
    return trusting(LAB)


Asked = Callable[[Exchange], Coroutine[Any, Any, list[Ending]]]


async def once(exchange: Exchange) -> list[Ending]:
    return [await exchange.begin("127.0.0.1")]


def endings(
    request: Request,
    handler: fakes.Handler,
    served: ssl.SSLContext | None,
    asked: Asked = once,
) -> list[Ending]:
    async def test() -> list[Ending]:
        async def handle(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            try:
                await handler(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=served)
        async with server:
            port = server.sockets[0].getsockname()[1]
            loop = asyncio.get_running_loop()
            exchange = Exchange(loop, replace(request, port=port))
            try:
                return await asked(exchange)
            finally:
                exchange.cancel()

    return asyncio.run(asyncio.wait_for(test(), 10))


def request(
    trusted: ssl.SSLContext, *, host: str = NAME, keep: bool = False
) -> Request:
    connection = "keep-alive" if keep else "close"
    head = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n\r\n"
    return Request(
        source="127.0.0.1",
        port=0,
        wire=head.encode(),
        timeout_s=5.0,
        keep=keep,
        tls=trusted,
        host=host,
    )


class TestSecuredExchange:
    def test_a_good_reply_tells_who_ended_tls_and_how_long_that_took(
        self, trusted: ssl.SSLContext, served: ssl.SSLContext
    ) -> None:
        (ending,) = endings(request(trusted), fakes.good, served)

        assert ending.reply is not None
        assert ending.reply.backend == "b1"
        assert ending.peer == NODE
        assert ending.connect_ms is not None
        assert ending.tls_ms is not None
        assert ending.tls_ms > 0

    def test_another_labs_authority_is_not_trusted(
        self, served: ssl.SSLContext
    ) -> None:
        (ending,) = endings(request(trusting("surge")), fakes.good, served)

        assert ending.error == "tls-certificate"

    def test_a_certificate_for_other_names_is_refused(
        self, trusted: ssl.SSLContext, served: ssl.SSLContext
    ) -> None:
        other = request(trusted, host="rr.example.com")

        assert endings(other, fakes.good, served)[0].error == "tls-certificate"

    def test_who_answers_in_the_clear_does_not_speak_tls(
        self, trusted: ssl.SSLContext
    ) -> None:
        async def blunt(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(fakes.http(400, {}))
            await writer.drain()

        assert endings(request(trusted), blunt, None)[0].error == "tls"

    def test_a_connection_that_is_kept_carries_more_without_a_handshake(
        self, trusted: ssl.SSLContext, served: ssl.SSLContext
    ) -> None:
        kept = request(trusted, keep=True)

        async def twice(exchange: Exchange) -> list[Ending]:
            first = await exchange.begin("127.0.0.1")
            assert exchange.idle
            return [first, await exchange.again(kept)]

        first, second = endings(kept, fakes.ever(fakes.good), served, twice)

        assert first.tls_ms is not None
        assert second.reply is not None
        assert second.peer == NODE
        assert second.tls_ms is None

"""Rules of one HTTP exchange, against real services on loopback."""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lab.agent.exchange import Ending, Exchange, Request, word
from tests.unit.agent import fakes
from tests.unit.agent.fakes import Handler

SOURCE = "127.0.0.9"


def request(port: int, timeout_s: float = 0.05) -> Request:
    wire = b"GET / HTTP/1.1\r\nHost: failover.example.com\r\n\r\n"
    return Request(source=SOURCE, port=port, wire=wire, timeout_s=timeout_s)


async def begin(
    port: int, *, address: str = "127.0.0.1", timeout_s: float = 2
) -> Ending:
    loop = asyncio.get_running_loop()
    return await Exchange(loop, request(port, timeout_s)).begin(address)


def exchange(handler: Handler, *, timeout_s: float = 2) -> Ending:
    async def run() -> Ending:
        async with fakes.service(handler) as service:
            return await begin(service.port, timeout_s=timeout_s)

    return asyncio.run(run())


def open_sockets() -> int:
    links = (
        os.readlink(link)
        for link in Path("/proc/self/fd").iterdir()
        if link.is_symlink()
    )
    return sum(link.startswith("socket:") for link in links)


class TestReply:
    def test_a_reply_ends_it(self) -> None:
        ending = exchange(fakes.good)

        assert ending.error == ""
        assert ending.reply is not None
        assert ending.reply.backend == "b1"

    def test_the_source_address_is_the_one_given(self) -> None:
        async def run() -> list[tuple[str, int]]:
            async with fakes.service(fakes.good) as service:
                await begin(service.port)
                return service.peers

        assert asyncio.run(run())[0][0] == SOURCE

    def test_it_ends_with_the_reply_not_with_the_connection(self) -> None:
        closed: list[bytes] = []

        async def slow_to_close(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            await fakes.good(reader, writer)
            closed.append(await reader.read())

        async def run() -> tuple[Ending, list[bytes]]:
            async with fakes.service(slow_to_close) as service:
                ending = await begin(service.port)
                return ending, list(closed)

        ending, closed_by_then = asyncio.run(run())

        assert ending.reply is not None
        assert closed_by_then == []

    def test_the_server_closes_first(self) -> None:
        """So that the client's side never holds TIME_WAIT."""
        half_closed = asyncio.Event()

        async def close_and_see(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            await fakes.good(reader, writer)
            writer.write_eof()
            await reader.read()  # returns at the client's own end, not at a reset
            half_closed.set()

        async def run() -> bool:
            async with fakes.service(close_and_see) as service:
                await begin(service.port)
                async with asyncio.timeout(5):
                    return await half_closed.wait()

        assert asyncio.run(run())

    def test_a_server_that_never_closes_is_reset_after_the_timeout(self) -> None:
        async def run() -> str:
            seen = asyncio.get_running_loop().create_future()

            async def stay(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter
            ) -> None:
                await fakes.good(reader, writer)
                try:
                    await reader.read()
                except ConnectionResetError:
                    seen.set_result("reset")

            async with fakes.service(stay) as service:
                await begin(service.port, timeout_s=0.3)
                async with asyncio.timeout(5):
                    return str(await seen)

        assert asyncio.run(run()) == "reset"


def kept(port: int) -> Exchange:
    asked = replace(request(port, 2), keep=True)
    return Exchange(asyncio.get_running_loop(), asked)


class TestKept:
    def test_the_next_request_uses_the_same_connection(self) -> None:
        async def run() -> tuple[list[Ending], int]:
            async with fakes.service(fakes.ever(fakes.good)) as service:
                made, asked = kept(service.port), request(service.port, 2)
                asked = replace(asked, keep=True)
                endings = [await made.begin("127.0.0.1")]
                endings += [await made.again(asked) for _ in range(3)]
                made.cancel()
                return endings, service.connections

        endings, connections = asyncio.run(run())

        assert [ending.error for ending in endings] == [""] * 4
        assert connections == 1

    def test_only_a_new_connection_tells_how_long_it_took(self) -> None:
        async def run() -> list[float | None]:
            async with fakes.service(fakes.ever(fakes.good)) as service:
                made = kept(service.port)
                first = await made.begin("127.0.0.1")
                second = await made.again(request(service.port, 2))
                made.cancel()
                return [first.connect_ms, second.connect_ms]

        first, second = asyncio.run(run())

        assert first is not None
        assert first > 0
        assert second is None

    def test_a_connection_that_the_server_closes_is_idle_no_longer(self) -> None:
        async def run() -> list[bool]:
            async with fakes.service(fakes.good) as service:
                made = kept(service.port)
                await made.begin("127.0.0.1")
                seen = [made.idle]
                async with asyncio.timeout(5):
                    while made.idle:
                        await asyncio.sleep(0.005)
                return [*seen, made.idle]

        assert asyncio.run(run()) == [True, False]

    def test_a_server_that_says_so_keeps_nothing(self) -> None:
        async def run() -> bool:
            body = {"region": "r", "pop": "p", "backend": "b"}
            closing = fakes.replies(fakes.http(200, body, "Connection: close"))
            async with fakes.service(closing) as service:
                made = kept(service.port)
                await made.begin("127.0.0.1")
                return made.idle

        assert not asyncio.run(run())

    def test_a_silent_server_is_noticed_by_its_timeout(self) -> None:
        async def run() -> Ending:
            async def once(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter
            ) -> None:
                await fakes.good(reader, writer)
                await fakes.silent(reader, writer)

            async with fakes.service(once) as service:
                asked = replace(request(service.port, 0.05), keep=True)
                made = Exchange(asyncio.get_running_loop(), asked)
                await made.begin("127.0.0.1")
                return await made.again(asked)

        assert asyncio.run(run()).error == "read-timeout"


class TestDeadline:
    def test_it_bounds_connection_and_reply_together(self) -> None:
        async def run() -> tuple[Ending, float]:
            loop = asyncio.get_running_loop()
            async with fakes.service(fakes.silent) as service:
                begun = loop.time()
                asked = request(service.port, 2)
                made = Exchange(loop, asked, until=begun + 0.05)
                return await made.begin("127.0.0.1"), loop.time() - begun

        ending, took_s = asyncio.run(run())

        assert ending.error == "read-timeout"
        assert took_s < 1


class TestFamily:
    def test_an_address_of_the_other_family_has_a_source_of_its_own(self) -> None:
        async def run() -> list[tuple[str, int]]:
            async with fakes.service(fakes.good, address="::1") as service:
                await begin(service.port, address="::1")
                return service.peers

        assert asyncio.run(run())[0][0] == "::1"


class TestFailure:
    def test_nobody_listening_is_refused(self) -> None:
        async def run() -> Ending:
            async with fakes.service(fakes.good) as service:
                return await begin(service.port, address="127.0.0.2")

        ending = asyncio.run(run())

        assert ending.error == "refused"
        assert not ending.unused

    def test_vanishing_packets_are_a_connect_timeout(self) -> None:
        async def run() -> Ending:
            async with (
                fakes.service(fakes.good) as service,
                fakes.black_hole("127.0.0.3", service.port),
            ):
                return await begin(service.port, address="127.0.0.3", timeout_s=0.05)

        assert asyncio.run(run()).error == "connect-timeout"

    def test_no_reply_is_a_read_timeout(self) -> None:
        ending = exchange(fakes.silent, timeout_s=0.05)

        assert ending.error == "read-timeout"
        assert not ending.unused

    def test_a_reset_before_any_byte_leaves_the_connection_unused(self) -> None:
        ending = exchange(fakes.reset)

        assert (ending.error, ending.unused) == ("reset", True)

    def test_a_close_before_any_byte_counts_as_a_reset(self) -> None:
        ending = exchange(fakes.replies(b""))

        assert (ending.error, ending.unused) == ("reset", True)

    def test_a_close_within_the_reply_is_a_reset_of_a_used_connection(self) -> None:
        ending = exchange(fakes.replies(b"HTTP/1.1 200 OK\r\nContent-Le"))

        assert (ending.error, ending.unused) == ("reset", False)

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (errno.ECONNREFUSED, "refused"),
            (errno.EHOSTUNREACH, "unreachable"),
            (errno.ENETUNREACH, "unreachable"),
            (errno.ETIMEDOUT, "connect-timeout"),
            (errno.EADDRNOTAVAIL, "local-eaddrnotavail"),
            (None, "local-unknown"),
        ],
    )
    def test_every_error_number_has_a_word(
        self, number: int | None, expected: str
    ) -> None:
        assert word(number) == expected

    def test_what_this_host_cannot_do_is_local(self) -> None:
        async def run() -> Ending:
            bad = Request(source="198.51.100.9", port=80, wire=b"", timeout_s=1)
            return await Exchange(asyncio.get_running_loop(), bad).begin("127.0.0.1")

        assert asyncio.run(run()).error == "local-eaddrnotavail"


@pytest.mark.parametrize("handler", [fakes.good, fakes.silent, fakes.reset])
def test_no_exchange_leaves_a_socket_open(handler: Handler) -> None:
    async def run() -> tuple[int, int]:
        async with fakes.service(handler) as service:
            with_server = open_sockets()
            for address in ("127.0.0.1", "127.0.0.2"):
                await begin(service.port, address=address, timeout_s=0.05)
            async with asyncio.timeout(5):
                while open_sockets() > with_server:
                    await asyncio.sleep(0.005)
            return with_server, open_sockets()

    before, after = asyncio.run(run())

    assert after == before

"""Rules of the whole agent, against a resolver and services on loopback."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from lab.agent.agent import Agent
from lab.agent.plan import Behaviour, Cohort, WatchPlan
from tests.unit.agent import fakes
from tests.unit.agent.fakes import (
    FakeResolver,
    Handler,
    Line,
    Recorder,
    Saying,
    Service,
)

ONE, TWO = "127.0.0.1", "127.0.0.2"


def cohort(
    behaviour: Behaviour,
    *,
    interval_ms: int,
    clients: int = 1,
    cookies: bool = False,
) -> Cohort:
    return Cohort(
        name=f"us/failover/r/{behaviour}",
        access="access-us",
        resolver="r",
        behaviour=behaviour,
        qname="failover",
        clients=clients,
        interval_ms=interval_ms,
        cookies=cookies,
    )


@dataclass
class World:
    """A running agent with all that it talks to."""

    agent: Agent
    journal: Recorder
    commands: asyncio.Queue[str | None]
    resolver: FakeResolver
    service: Service

    def command(self, number: int, do: str, **arguments: object) -> None:
        line = json.dumps({"id": number, "do": do, **arguments})
        self.commands.put_nowait(line)


@asynccontextmanager
async def world(
    *cohorts: Cohort,
    says: Callable[[str], Saying] = lambda _: ((ONE,), 60),
    handler: Handler = fakes.good,
    dark: str = "127.0.0.3",
    sources: tuple[str, ...] = ("127.0.0.9",),
) -> AsyncIterator[World]:
    """Let an agent run for the block.

    A service is at 127.0.0.1; at `dark` packets vanish; elsewhere nobody listens.
    """
    async with (
        fakes.resolver(says) as resolver,
        fakes.service(handler) as service,
        fakes.black_hole(dark, service.port),
        asyncio.TaskGroup() as tasks,
    ):
        plan = WatchPlan(
            zone="example.com",
            sources=sources,
            resolvers={"r": "127.0.0.1"},
            cohorts=cohorts,
            pin_s=36,
            connect_timeout_ms=800,
            retry_timeout_ms=40,
            race_delay_ms=40,
            sdk_try_ms=40,
            sdk_backoff_ms=10,
            sdk_backoff_cap_ms=20,
            sdk_deadline_ms=400,
            port=service.port,
            dns_port=resolver.port,
        )
        journal = Recorder()
        agent = Agent(plan, journal)
        commands: asyncio.Queue[str | None] = asyncio.Queue()
        tasks.create_task(agent.run(commands))
        yield World(agent, journal, commands, resolver, service)
        agent.stop()


def in_turn(clients: int) -> Cohort:
    """Return a cohort with one attempt every 10 ms, by each client in turn."""
    return cohort(Behaviour.FIRST_ADDRESS, interval_ms=clients * 10, clients=clients)


def run(test: Coroutine[Any, Any, list[Line]]) -> list[Line]:
    async def bounded() -> list[Line]:
        async with asyncio.timeout(10):
            return await test

    return asyncio.run(bounded())


def errors(attempt: Line) -> list[str]:
    return [tried.get("error", "") for tried in attempt["tries"]]


def sources(attempts: list[Line]) -> list[str]:
    return [attempt["answer"]["source"] for attempt in attempts]


class TestBehaviour:
    def test_retry_next_reaches_the_second_address_within_one_attempt(self) -> None:
        async def test() -> list[Line]:
            both = ((TWO, ONE), 60)
            retrying = cohort(Behaviour.RETRY_NEXT, interval_ms=50)
            async with world(retrying, says=lambda _: both, dark=TWO) as lab:
                return await lab.journal.wait_for("attempt")

        (attempt, *_) = run(test())

        assert attempt["outcome"] == "ok"
        assert [t["address"] for t in attempt["tries"]] == [TWO, ONE]
        assert errors(attempt) == ["connect-timeout", ""]

    def test_first_address_does_not_try_the_second_one(self) -> None:
        async def test() -> list[Line]:
            both = ((TWO, ONE), 60)
            first = cohort(Behaviour.FIRST_ADDRESS, interval_ms=50)
            async with world(first, says=lambda _: both) as lab:
                return await lab.journal.wait_for("attempt")

        (attempt, *_) = run(test())

        assert (attempt["outcome"], attempt["error"]) == ("fail", "refused")
        assert len(attempt["tries"]) == 1

    def test_a_pinned_client_keeps_its_address_past_the_ttl(self) -> None:
        async def test() -> list[Line]:
            pinned = cohort(Behaviour.PINNED, interval_ms=20)
            async with world(pinned, says=lambda _: ((ONE,), 0)) as lab:
                attempts = await lab.journal.wait_for("attempt", 3)
                assert len(lab.resolver.asked) == 1
                return attempts

        assert sources(run(test()))[:3] == ["resolver", "pin", "pin"]

    def test_a_reset_of_an_established_connection_is_tried_once_more(self) -> None:
        async def test() -> list[Line]:
            handler = fakes.first(fakes.reset, fakes.good)
            first = cohort(Behaviour.FIRST_ADDRESS, interval_ms=50)
            async with world(first, handler=handler) as lab:
                return await lab.journal.wait_for("attempt")

        (attempt, *_) = run(test())

        assert attempt["outcome"] == "ok"
        assert errors(attempt) == ["reset", ""]

    def test_happy_eyeballs_does_not_wait_for_a_dead_address(self) -> None:
        async def test() -> list[Line]:
            both = ((TWO, ONE), 60)
            racing = cohort(Behaviour.HAPPY_EYEBALLS, interval_ms=50)
            async with world(racing, says=lambda _: both, dark=TWO) as lab:
                return await lab.journal.wait_for("attempt")

        (attempt, *_) = run(test())

        assert attempt["outcome"] == "ok"
        assert [t["address"] for t in attempt["tries"]] == [TWO, ONE]
        assert errors(attempt) == ["cancelled", ""]
        assert attempt["end_ns"] - attempt["start_ns"] < 700_000_000

    def test_an_sdk_comes_back_to_an_address_that_failed(self) -> None:
        async def test() -> list[Line]:
            async def closed(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter
            ) -> None:
                await fakes.replies(fakes.http(503, {}))(reader, writer)

            both = ((ONE, TWO), 60)
            persistent = cohort(Behaviour.SDK, interval_ms=600)
            handler = fakes.first(closed, fakes.good)
            async with world(
                persistent, says=lambda _: both, handler=handler, dark=TWO
            ) as lab:
                return await lab.journal.wait_for("attempt")

        (attempt, *_) = run(test())

        assert attempt["outcome"] == "ok"
        assert [t["address"] for t in attempt["tries"]] == [ONE, TWO, ONE]
        assert errors(attempt) == ["http-503", "connect-timeout", ""]


def giving(given: Iterator[str], got: list[str]) -> Handler:
    """Return a service that sets a cookie each time and notes those sent back."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        got.append(asked.partition("Cookie: ")[2].partition("\r\n")[0])
        backend = {"region": "us-east", "pop": "us-east", "backend": "b1"}
        cookie = f"Set-Cookie: session={next(given)}; HttpOnly"
        writer.write(fakes.http(200, backend, "X-L7: l7-1", cookie))
        await writer.drain()

    return handle


class TestCookies:
    def sent_back(self, who: Cohort, wrap: Callable[[Handler], Handler]) -> list[str]:
        got: list[str] = []

        async def test() -> list[Line]:
            handler = wrap(giving(map(str, itertools.count(1)), got))
            async with world(who, handler=handler) as lab:
                return await lab.journal.wait_for("attempt", 3)

        attempts = run(test())
        assert all(a["l7"] == "l7-1" for a in attempts)
        return got[:3]

    def test_who_keeps_cookies_sends_the_last_one_back(self) -> None:
        first = cohort(Behaviour.FIRST_ADDRESS, interval_ms=50, cookies=True)
        pooled = cohort(Behaviour.POOL, interval_ms=50, cookies=True)

        each = [
            self.sent_back(first, lambda h: h),
            self.sent_back(pooled, fakes.ever),
        ]

        assert each == [["", "session=1", "session=2"]] * 2

    def test_who_keeps_none_sends_none_back(self) -> None:
        first = cohort(Behaviour.FIRST_ADDRESS, interval_ms=50)
        assert self.sent_back(first, lambda h: h) == ["", "", ""]


class TestRequests:
    def test_who_asks_for_a_path_and_says_something_besides_does_so_each_time(
        self,
    ) -> None:
        got: set[tuple[str, bool]] = set()

        async def handle(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            got.add((first.split()[1].decode(), b"x-canary: always" in lines))
            writer.write(fakes.http(404, {}))

        async def test() -> list[Line]:
            plain = cohort(Behaviour.FIRST_ADDRESS, interval_ms=50)
            who = replace(
                plain, name="marked", path="/canary", header="x-canary: always"
            )
            async with world(plain, who, handler=handle) as lab:
                return await lab.journal.wait_for("attempt", 6)

        run(test())

        assert got == {("/", False), ("/canary", True)}


class TestPorts:
    def ports(self, *, keeps_port: bool) -> list[int]:
        async def test() -> list[int]:
            who = replace(
                cohort(Behaviour.FIRST_ADDRESS, interval_ms=100, clients=2),
                keeps_port=keeps_port,
            )
            async with world(who) as lab:
                await lab.journal.wait_for("attempt", 6)
                return [port for _, port in lab.service.peers[:6]]

        return run(test())

    def test_who_keeps_a_port_is_one_flow_however_often_it_connects(self) -> None:
        first, second, *others = self.ports(keeps_port=True)

        assert first != second
        assert others == [first, second] * 2

    def test_others_have_another_one_each_time(self) -> None:
        assert len(set(self.ports(keeps_port=False))) == 6


class TestPool:
    def test_a_kept_connection_outlives_the_ttl(self) -> None:
        async def test() -> list[Line]:
            pooled = cohort(Behaviour.POOL, interval_ms=20)
            handler = fakes.ever(fakes.good)
            async with world(
                pooled, says=lambda _: ((ONE,), 0), handler=handler
            ) as lab:
                attempts = await lab.journal.wait_for("attempt", 4)
                assert lab.service.connections == 1
                assert len(lab.resolver.asked) == 1
                return attempts

        attempts = run(test())

        assert sources(attempts)[:3] == ["resolver", "connection", "connection"]
        assert all(a["outcome"] == "ok" for a in attempts)

    def test_a_connection_that_was_closed_is_replaced(self) -> None:
        async def test() -> list[Line]:
            pooled = cohort(Behaviour.POOL, interval_ms=50)
            async with world(pooled, says=lambda _: ((ONE,), 0)) as lab:
                return await lab.journal.wait_for("attempt", 3)

        attempts = run(test())

        assert sources(attempts)[:3] == ["resolver"] * 3
        assert all(a["outcome"] == "ok" for a in attempts)

    def test_a_connection_that_is_reset_when_used_is_replaced_at_once(self) -> None:
        async def test() -> list[Line]:
            async def dying(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter
            ) -> None:
                await fakes.good(reader, writer)
                await fakes.reset(reader, writer)

            pooled = cohort(Behaviour.POOL, interval_ms=50)
            handler = fakes.first(dying, fakes.ever(fakes.good))
            async with world(pooled, handler=handler) as lab:
                return await lab.journal.wait_for("attempt", 3)

        attempts = run(test())

        assert [errors(a) for a in attempts[:3]] == [[""], ["reset", ""], [""]]
        assert sources(attempts)[:3] == ["resolver", "stub", "connection"]

    def test_a_dead_connection_costs_one_attempt_and_is_replaced(self) -> None:
        async def test() -> list[Line]:
            async def dying(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter
            ) -> None:
                await fakes.good(reader, writer)
                await fakes.silent(reader, writer)

            pooled = cohort(Behaviour.POOL, interval_ms=1000)
            handler = fakes.first(dying, fakes.ever(fakes.good))
            async with world(pooled, handler=handler) as lab:
                return await lab.journal.wait_for("attempt", 3)

        attempts = run(test())

        assert [errors(a) for a in attempts[:3]] == [[""], ["read-timeout"], [""]]
        assert sources(attempts)[:3] == ["resolver", "connection", "stub"]

    def test_flush_lets_go_of_the_connection(self) -> None:
        async def test() -> list[Line]:
            pooled = cohort(Behaviour.POOL, interval_ms=20)
            async with world(pooled, handler=fakes.ever(fakes.good)) as lab:
                await lab.journal.wait_for("attempt", 2)
                lab.command(1, "flush")
                (reply,) = await lab.journal.wait_for("reply")
                lines = await lab.journal.wait_for(
                    "attempt", len(lab.journal.of("attempt")) + 2
                )
                return [a for a in lines if a["start_ns"] > reply["t"]]

        assert sources(run(test()))[0] == "resolver"


class TestSources:
    def test_clients_live_in_the_subnets_in_turn(self) -> None:
        async def test() -> list[Line]:
            crowd = cohort(Behaviour.FIRST_ADDRESS, interval_ms=40, clients=4)
            here = ("127.0.0.8", "127.0.0.9")
            async with world(crowd, sources=here) as lab:
                attempts = await lab.journal.wait_for("attempt", 4)
                peers = {address for address, _ in lab.service.peers}
                assert peers == set(here)
                assert {address for address, _ in lab.resolver.peers} == set(here)
                return attempts

        told = {a["client"][-1]: a["source"] for a in run(test())}

        assert told == {
            "1": "127.0.0.8",
            "2": "127.0.0.9",
            "3": "127.0.0.8",
            "4": "127.0.0.9",
        }

    def test_one_source_is_not_worth_telling(self) -> None:
        async def test() -> list[Line]:
            async with world(in_turn(1)) as lab:
                return await lab.journal.wait_for("attempt")

        assert "source" not in run(test())[0]


class TestCache:
    def test_within_the_ttl_the_resolver_is_asked_once(self) -> None:
        async def test() -> list[Line]:
            first = cohort(Behaviour.FIRST_ADDRESS, interval_ms=20)
            async with world(first) as lab:
                attempts = await lab.journal.wait_for("attempt", 4)
                assert lab.resolver.asked == ["failover.example.com."]
                return attempts

        assert sources(run(test()))[:4] == ["resolver", "stub", "stub", "stub"]

    def test_an_answer_with_ttl_zero_is_asked_for_each_time(self) -> None:
        async def test() -> list[Line]:
            first = cohort(Behaviour.FIRST_ADDRESS, interval_ms=20)
            async with world(first, says=lambda _: ((ONE,), 0)) as lab:
                return await lab.journal.wait_for("attempt", 3)

        assert sources(run(test()))[:3] == ["resolver"] * 3

    def test_every_client_has_a_cache_of_its_own(self) -> None:
        async def test() -> list[Line]:
            async with world(in_turn(5)) as lab:
                attempts = await lab.journal.wait_for("attempt", 5)
                assert len(lab.resolver.asked) == 5
                return attempts

        assert sources(run(test()))[:5] == ["resolver"] * 5

    def test_flush_makes_the_next_attempt_resolve_anew(self) -> None:
        async def test() -> list[Line]:
            pinned = cohort(Behaviour.PINNED, interval_ms=20)
            async with world(pinned) as lab:
                await lab.journal.wait_for("attempt", 2)
                lab.command(1, "flush")
                (reply,) = await lab.journal.wait_for("reply")
                lines = await lab.journal.wait_for(
                    "attempt", len(lab.journal.of("attempt")) + 2
                )
                after = [a for a in lines if a["start_ns"] > reply["t"]]
                assert len(lab.journal.of("event")) == 2
                return after

        assert sources(run(test()))[0] == "resolver"


class TestSchedule:
    def test_the_schedule_does_not_wait_for_slow_replies(self) -> None:
        async def test() -> list[Line]:
            first = cohort(Behaviour.FIRST_ADDRESS, interval_ms=20)
            async with world(first, handler=fakes.silent) as lab:
                return await lab.journal.wait_for("attempt", 2)

        attempts = run(test())

        assert attempts[1]["due_ns"] - attempts[0]["due_ns"] == 20_000_000
        assert attempts[1]["start_ns"] < attempts[0]["end_ns"]

    def test_no_attempt_starts_before_it_is_due(self) -> None:
        async def test() -> list[Line]:
            async with world(in_turn(20)) as lab:
                return await lab.journal.wait_for("attempt", 40)

        assert all(a["start_ns"] >= a["due_ns"] for a in run(test()))


class TestCommands:
    def replies(self, number: int, do: str, **arguments: object) -> Line:
        async def test() -> list[Line]:
            async with world() as lab:
                lab.command(number, do, **arguments)
                return await lab.journal.wait_for("reply")

        return run(test())[0]

    def test_query_tells_addresses_and_ttl(self) -> None:
        reply = self.replies(7, "query", resolver="r", qname="failover")

        assert reply.pop("t")
        assert reply == {
            "type": "reply",
            "id": 7,
            "ok": True,
            "addresses": [ONE],
            "ttl_s": 60,
            "rcode": "noerror",
        }

    def test_query_of_an_unknown_resolver_is_refused(self) -> None:
        reply = self.replies(7, "query", resolver="x", qname="failover")

        assert (reply["id"], reply["ok"]) == (7, False)
        assert reply["error"] == 'unknown resolver "x"; allowed: r'

    def test_query_asks_any_server_by_its_address(self) -> None:
        reply = self.replies(7, "query", server="127.0.0.1", qname="failover")

        assert (reply["ok"], reply["addresses"]) == (True, [ONE])

    def test_burst_tells_what_became_of_it(self) -> None:
        reply = self.replies(
            7, "burst", server=ONE, qname="failover", count=20, interval_us=500
        )

        assert (reply["id"], reply["ok"]) == (7, True)
        assert (reply["asked"], reply["answered"]) == (20, 20)
        assert reply["first"] == {ONE: 20}

    def test_burst_under_way_does_not_hold_up_the_stop(self) -> None:
        async def test() -> list[Line]:
            async with world(says=lambda _: None) as lab:
                lab.command(
                    1, "burst", server=ONE, qname="x", count=10**6, interval_us=10**6
                )
                lab.command(2, "stop")
                await lab.journal.wait_for("reply")
            return lab.journal.lines

        assert [line["id"] for line in run(test()) if line["type"] == "reply"] == [2]

    def test_an_unknown_verb_is_refused(self) -> None:
        reply = self.replies(8, "dance")

        assert (reply["id"], reply["ok"]) == (8, False)

    def test_a_line_that_is_not_json_is_refused(self) -> None:
        async def test() -> list[Line]:
            async with world() as lab:
                lab.commands.put_nowait("}")
                return await lab.journal.wait_for("reply")

        assert run(test())[0]["id"] is None

    def test_stats_counts_from_the_start(self) -> None:
        async def test() -> list[Line]:
            async with world(in_turn(5)) as lab:
                await lab.journal.wait_for("attempt", 5)
                lab.command(2, "stats")
                return await lab.journal.wait_for("reply")

        (reply,) = run(test())

        assert reply["attempts"] >= 5
        assert reply["lag_ms_max"] >= reply["lag_ms_p50"] >= 0


class TestStop:
    def test_attempts_in_flight_are_finished_before_the_last_words(self) -> None:
        async def test() -> list[Line]:
            started, stopping = asyncio.Event(), asyncio.Event()

            async def stall(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter
            ) -> None:
                started.set()
                await stopping.wait()
                await fakes.good(reader, writer)

            async with world(in_turn(1), handler=stall) as lab:
                await started.wait()
                lab.command(9, "stop")
                stopping.set()
            return lab.journal.lines

        lines = run(test())

        assert [line["type"] for line in lines[-2:]] == ["stats", "reply"]
        assert lines[-1]["id"] == 9
        assert all(a["outcome"] == "ok" for a in lines if a["type"] == "attempt")

    def test_the_end_of_input_is_a_stop(self) -> None:
        async def test() -> list[Line]:
            async with world(in_turn(1)) as lab:
                await lab.journal.wait_for("attempt")
                lab.commands.put_nowait(None)
            return lab.journal.lines

        assert run(test())[-1]["type"] == "stats"

"""Rules of reaching one of several addresses: in order, in a race, persistently."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest

from lab.agent.exchange import Ending, Exchange, Request
from lab.agent.reach import (
    Persistence,
    Reached,
    in_order,
    interleaved,
    persist,
    race,
)
from lab.agent.reply import Reply
from tests.unit.agent import fakes
from tests.unit.agent.fakes import Handler, Service

A, B, C = "203.0.113.10", "203.0.113.138", "203.0.113.74"
GOOD = Ending(at_ns=30, reply=Reply(status=200))
BUSY = Ending(at_ns=30, reply=Reply(status=503, overload=True))
RESET = Ending(at_ns=20, error="reset", unused=True)
TIMEOUT = Ending(at_ns=20, error="connect-timeout")
LOCAL = Ending(at_ns=1, error="local-emfile")


def tries(
    *endings: Ending, addresses: tuple[str, ...] = (A, B)
) -> list[tuple[str, bool]]:
    """Reach with these endings in turn; return (address, another one is left)."""
    made: list[tuple[str, bool]] = []
    left = list(endings)

    async def connect(address: str, more: bool) -> Ending:
        made.append((address, more))
        return left.pop(0)

    asyncio.run(in_order(addresses, connect))
    assert not left
    return made


class TestInOrder:
    def test_a_reply_ends_it_whatever_its_status(self) -> None:
        assert tries(GOOD) == [(A, True)]
        assert tries(BUSY) == [(A, True)]

    def test_a_failed_connect_moves_on_to_the_next_address(self) -> None:
        assert tries(TIMEOUT, GOOD) == [(A, True), (B, False)]

    def test_the_last_address_ends_it(self) -> None:
        assert tries(TIMEOUT, TIMEOUT) == [(A, True), (B, False)]

    def test_an_unused_connection_is_made_once_more(self) -> None:
        assert tries(RESET, GOOD, addresses=(A,)) == [(A, False), (A, False)]

    def test_it_is_made_once_more_only_once(self) -> None:
        assert tries(RESET, RESET, addresses=(A,)) == [(A, False), (A, False)]

    def test_the_repetition_does_not_use_up_the_next_address(self) -> None:
        assert tries(RESET, TIMEOUT, GOOD) == [(A, True), (A, True), (B, False)]

    def test_a_host_that_cannot_even_try_stops(self) -> None:
        assert tries(LOCAL) == [(A, True)]


class TestInterleaved:
    def test_families_take_turns_from_that_of_the_first(self) -> None:
        six, seven = "2001:db8::1", "2001:db8::2"

        assert interleaved((A, B, C, six, seven)) == (A, six, B, seven, C)
        assert interleaved((six, seven, A)) == (six, A, seven)

    def test_one_family_keeps_its_order(self) -> None:
        assert interleaved((B, A, C)) == (B, A, C)


DARK, LIGHT, NOBODY, DARK_TOO = "127.0.0.3", "127.0.0.1", "127.0.0.2", "127.0.0.4"


@asynccontextmanager
async def two_black_holes(handler: Handler) -> AsyncIterator[Service]:
    async with (
        fakes.service(handler) as service,
        fakes.black_hole(DARK, service.port),
        fakes.black_hole(DARK_TOO, service.port),
    ):
        yield service


def raced(
    *addresses: str,
    handler: Handler = fakes.good,
    delay_s: float = 0.05,
    patience_s: float = 1.0,
) -> tuple[Reached, float]:
    """Race to these addresses; return the outcome and the seconds that it took."""

    async def run() -> tuple[Reached, float]:
        async with two_black_holes(handler) as service:
            loop = asyncio.get_running_loop()
            asked = Request(
                source="127.0.0.9",
                port=service.port,
                wire=b"GET / HTTP/1.1\r\n\r\n",
                timeout_s=patience_s,
            )

            def start(gate: Callable[[Exchange], None] | None) -> Exchange:
                return Exchange(loop, asked, gate=gate)

            begun = loop.time()
            reached = await race(addresses, start, delay_s=delay_s)
            return reached, loop.time() - begun

    return asyncio.run(bounded(run()))


async def bounded(
    test: Coroutine[object, object, tuple[Reached, float]],
) -> tuple[Reached, float]:
    async with asyncio.timeout(5):
        return await test


def words(reached: Reached) -> list[tuple[str, str]]:
    return [(tried.address, tried.ending.error) for tried in reached.tries]


class TestRace:
    def test_who_answers_before_the_delay_runs_alone(self) -> None:
        reached, _ = raced(LIGHT, DARK)

        assert words(reached) == [(LIGHT, "")]
        assert reached.ending.reply is not None

    def test_after_the_delay_the_next_one_sets_out_and_the_loser_is_cancelled(
        self,
    ) -> None:
        reached, took_s = raced(DARK, LIGHT, delay_s=0.1)

        assert words(reached) == [(DARK, "cancelled"), (LIGHT, "")]
        assert 0.1 <= took_s < 0.9

    def test_a_failure_lets_the_next_one_set_out_at_once(self) -> None:
        reached, took_s = raced(NOBODY, LIGHT, delay_s=2.0)

        assert words(reached) == [(NOBODY, "refused"), (LIGHT, "")]
        assert took_s < 1.0

    def test_all_that_fail_are_a_failure(self) -> None:
        reached, _ = raced(DARK, NOBODY, patience_s=0.2)

        assert words(reached) == [(DARK, "connect-timeout"), (NOBODY, "refused")]
        assert reached.ending.error == "connect-timeout"

    def test_several_run_at_once(self) -> None:
        reached, took_s = raced(DARK, DARK_TOO, LIGHT, delay_s=0.05, patience_s=1.0)

        assert [word for _, word in words(reached)] == ["cancelled", "cancelled", ""]
        assert took_s < 0.9

    def test_a_winner_without_a_reply_is_the_ending(self) -> None:
        reached, _ = raced(DARK, LIGHT, handler=fakes.silent, patience_s=0.3)

        assert words(reached) == [(DARK, "cancelled"), (LIGHT, "read-timeout")]
        assert reached.ending.error == "read-timeout"

    def test_a_winner_that_is_reset_is_asked_once_more(self) -> None:
        handler = fakes.first(fakes.reset, fakes.good)

        reached, _ = raced(LIGHT, handler=handler)

        assert words(reached) == [(LIGHT, "reset"), (LIGHT, "")]
        assert reached.ending.reply is not None


PERSISTENCE = Persistence(try_s=0.25, backoff_s=0.05, cap_s=0.2, deadline_s=0.9)


class Clock:
    """A clock that attempts and pauses move."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    async def pause(self, for_s: float) -> None:
        self.pauses.append(for_s)
        self.now_s += for_s


def persisted(
    *endings: Ending, addresses: tuple[str, ...] = (A, B), took_s: float = 0.25
) -> tuple[list[str], Clock]:
    """Persist with these endings in turn, the last one for ever."""
    clock = Clock()
    left = list(endings)

    async def connect(address: str, until: float) -> Ending:
        assert until == PERSISTENCE.deadline_s
        clock.now_s += took_s
        return left.pop(0) if len(left) > 1 else left[0]

    reached = asyncio.run(
        persist(
            addresses,
            connect,
            persistence=PERSISTENCE,
            rng=random.Random(1),
            clock=clock,
            pause=clock.pause,
        )
    )
    assert reached.ending is reached.tries[-1].ending
    return [tried.address for tried in reached.tries], clock


class TestPersist:
    def test_the_first_that_serves_ends_it(self) -> None:
        assert persisted(TIMEOUT, GOOD)[0] == [A, B]

    def test_after_a_round_it_pauses_and_begins_again(self) -> None:
        tried, clock = persisted(TIMEOUT, TIMEOUT, GOOD)

        assert tried == [A, B, A]
        assert len(clock.pauses) == 1

    def test_a_server_error_is_tried_elsewhere(self) -> None:
        assert persisted(BUSY, GOOD)[0] == [A, B]

    def test_no_try_is_begun_that_could_not_take_its_time(self) -> None:
        tried, clock = persisted(TIMEOUT)

        assert tried == [A, B, A]
        assert clock.now_s <= PERSISTENCE.deadline_s

    def test_one_address_is_tried_again_and_again(self) -> None:
        tried, clock = persisted(TIMEOUT, addresses=(A,), took_s=0.01)

        assert set(tried) == {A}
        assert len(clock.pauses) == len(tried) - 1

    def test_a_host_that_cannot_even_try_stops(self) -> None:
        assert persisted(LOCAL)[0] == [A]

    @pytest.mark.parametrize(
        ("rounds", "most_s"), [(1, 0.05), (2, 0.1), (3, 0.2), (9, 0.2)]
    )
    def test_pauses_are_drawn_below_a_bound_that_doubles_up_to_its_cap(
        self, rounds: int, most_s: float
    ) -> None:
        rng = random.Random(1)
        pauses = [PERSISTENCE.pause_s(rounds, rng) for _ in range(500)]

        assert 0 <= min(pauses) < 0.1 * most_s
        assert 0.9 * most_s < max(pauses) <= most_s

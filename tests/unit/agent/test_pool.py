"""Rules of the one connection that a client keeps."""

from __future__ import annotations

import asyncio

from lab.agent.exchange import Ending, Request
from lab.agent.pool import Kept, Pool
from lab.agent.stub import Answer, Choice

A = "203.0.113.10"
CHOICE = Choice(
    addresses=(A,),
    answer=Answer(addresses=(A,), ttl_s=12, received_ns=0),
    source="resolver",
)


class Connection:
    """A connection as a pool sees it."""

    def __init__(self, *, idle: bool = True) -> None:
        self.idle = idle

    def again(self, request: Request) -> asyncio.Future[Ending]:
        raise AssertionError("a pool asks nothing")

    def cancel(self) -> None:
        self.idle = False


def kept(connection: Connection) -> Kept:
    return Kept(connection, A, CHOICE)


class TestPool:
    def test_a_kept_connection_is_given_to_one_request_at_a_time(self) -> None:
        pool, one = Pool(), kept(Connection())
        pool.keep(one)

        assert pool.take() is one
        assert pool.take() is None

    def test_one_that_died_meanwhile_is_not_given(self) -> None:
        pool, connection = Pool(), Connection()
        pool.keep(kept(connection))
        connection.idle = False

        assert pool.take() is None

    def test_one_that_is_over_is_not_kept(self) -> None:
        pool = Pool()
        pool.keep(kept(Connection(idle=False)))

        assert pool.take() is None

    def test_there_is_room_for_one(self) -> None:
        pool, first, second = Pool(), Connection(), Connection()
        pool.keep(kept(first))
        pool.keep(kept(second))

        assert (first.idle, second.idle) == (True, False)

    def test_closing_ends_the_idle_one_and_those_that_come_back(self) -> None:
        pool, idle, away = Pool(), Connection(), Connection()
        pool.keep(kept(idle))
        pool.close()
        pool.keep(kept(away))

        assert not idle.idle
        assert not away.idle
        assert pool.take() is None

"""Rules of a client's memory, and of the line that tells of an attempt."""

from __future__ import annotations

import asyncio
import json
import random

from lab.agent.attempt import Client, attempt_line
from lab.agent.exchange import Ending
from lab.agent.plan import Behaviour, Cohort
from lab.agent.reach import Reached, Tried
from lab.agent.reply import Reply
from lab.agent.resolver import NoAnswer, Resolution
from lab.agent.stub import Answer, Choice
from lab.history import Answer as JournalAnswer
from lab.history import Attempt, Outcome, Try, attempt_from_json

COHORT = Cohort(
    name="c",
    access="access-us",
    resolver="r",
    behaviour=Behaviour.RETRY_NEXT,
    qname="failover",
    clients=1,
    interval_ms=200,
)
A, B = "203.0.113.10", "203.0.113.138"
ANSWER = Answer(addresses=(A, B), ttl_s=12, received_ns=5)
CHOICE = Choice(addresses=(A, B), answer=ANSWER, source="stub")
GOOD = Ending(
    at_ns=30,
    reply=Reply(status=200, region="us-east", pop="p", backend="b1"),
    connect_ms=80.12345,
)
BUSY = Ending(at_ns=30, reply=Reply(status=503, overload=True))
RESET = Ending(at_ns=20, error="reset", unused=True)
TIMEOUT = Ending(at_ns=20, error="connect-timeout")


def new_client() -> Client:
    return Client("c#1", COHORT, source="198.18.40.10", pin_s=36, rng=random.Random(1))


def line(found: Choice | NoAnswer, *tried: Tried, tell_source: bool = False) -> Attempt:
    """Return the attempt that the journal's reader makes of the line."""
    made = attempt_line(
        new_client(),
        due_ns=1,
        start_ns=2,
        found=found,
        reached=Reached(tried, tried[-1].ending) if tried else None,
        tell_source=tell_source,
    )
    assert made.pop("type") == "attempt"
    return attempt_from_json(json.dumps(made))


class TestAttemptLine:
    def test_a_good_attempt_is_read_back_whole(self) -> None:
        attempt = line(CHOICE, Tried(A, TIMEOUT), Tried(B, GOOD))

        assert attempt == Attempt(
            client="c#1",
            cohort="c",
            due_ns=1,
            start_ns=2,
            end_ns=30,
            outcome=Outcome.OK,
            tries=(
                Try(address=A, error="connect-timeout"),
                Try(address=B, connect_ms=80.123),
            ),
            answer=JournalAnswer(
                source="stub", addresses=(A, B), ttl_s=12, received_ns=5
            ),
            region="us-east",
            pop="p",
            backend="b1",
        )

    def test_a_failed_attempt_has_the_last_error(self) -> None:
        attempt = line(CHOICE, Tried(A, TIMEOUT), Tried(B, RESET))

        assert (attempt.outcome, attempt.error) == (Outcome.FAIL, "reset")

    def test_a_refusal_for_load_is_overload(self) -> None:
        attempt = line(CHOICE, Tried(A, BUSY))

        assert (attempt.outcome, attempt.error) == (Outcome.FAIL, "overload")
        assert attempt.tries == (Try(address=A, error="overload"),)

    def test_a_failed_resolution_is_a_failed_attempt_without_answer(self) -> None:
        attempt = line(NoAnswer(error="dns-timeout", at_ns=9))

        assert attempt.error == "dns-timeout"
        assert (attempt.end_ns, attempt.answer, attempt.tries) == (9, None, ())

    def test_the_source_is_told_where_it_differs(self) -> None:
        tried = Tried(A, GOOD)

        assert line(CHOICE, tried).source == ""
        assert line(CHOICE, tried, tell_source=True).source == "198.18.40.10"

    def test_what_this_host_could_not_try_is_info(self) -> None:
        attempt = line(CHOICE, Tried(A, Ending(at_ns=3, error="local-emfile")))

        assert attempt.outcome is Outcome.INFO

    def test_empty_fields_are_left_out(self) -> None:
        found = NoAnswer(error="dns-servfail", at_ns=9)

        made = attempt_line(
            new_client(), due_ns=1, start_ns=2, found=found, reached=None
        )

        assert set(made) == {
            "type",
            "client",
            "cohort",
            "due_ns",
            "start_ns",
            "end_ns",
            "outcome",
            "error",
        }


class TestResolve:
    def test_attempts_of_one_client_share_a_question(self) -> None:
        async def run() -> tuple[int, list[Choice | NoAnswer]]:
            client = new_client()
            asked: list[asyncio.Future[Resolution]] = []

            def ask() -> asyncio.Future[Resolution]:
                asked.append(asyncio.get_running_loop().create_future())
                return asked[-1]

            both = [asyncio.create_task(client.resolve(ask)) for _ in range(2)]
            while not asked:
                await asyncio.sleep(0)
            asked[0].set_result(now_answer())
            return len(asked), [await one for one in both]

        asked, found = asyncio.run(run())

        assert asked == 1
        assert [f.source for f in found if isinstance(f, Choice)] == ["resolver"] * 2

    def test_an_answer_from_before_a_flush_is_used_but_not_kept(self) -> None:
        async def run() -> tuple[Choice | NoAnswer, int]:
            client = new_client()
            asked: list[asyncio.Future[Resolution]] = []

            def ask() -> asyncio.Future[Resolution]:
                asked.append(asyncio.get_running_loop().create_future())
                return asked[-1]

            early = asyncio.create_task(client.resolve(ask))
            while not asked:
                await asyncio.sleep(0)
            client.forget()
            asked[0].set_result(now_answer())
            found = await early
            late = asyncio.create_task(client.resolve(ask))
            while len(asked) < 2:
                await asyncio.sleep(0)
            asked[1].set_result(now_answer())
            await late
            return found, len(asked)

        found, asked = asyncio.run(run())

        assert isinstance(found, Choice)
        assert asked == 2


def now_answer() -> Answer:
    return Answer(addresses=(A, B), ttl_s=60, received_ns=2**62)

"""Rules of the tries within an attempt, and of the line that tells of it."""

from __future__ import annotations

import asyncio
import json

from lab.agent.attempt import Client, Tried, attempt_line, reach
from lab.agent.exchange import Ending
from lab.agent.plan import Behaviour, Cohort
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
    at_ns=30, reply=Reply(status=200, region="us-east", pop="p", backend="b1")
)
BUSY = Ending(at_ns=30, reply=Reply(status=503, overload=True))
RESET = Ending(at_ns=20, error="reset", unused=True)
TIMEOUT = Ending(at_ns=20, error="connect-timeout")


def tries(
    *endings: Ending, addresses: tuple[str, ...] = (A, B)
) -> list[tuple[str, bool]]:
    """Reach with these endings in turn; return (address, another one is left)."""
    made: list[tuple[str, bool]] = []
    left = list(endings)

    async def connect(address: str, more: bool) -> Ending:
        made.append((address, more))
        return left.pop(0)

    asyncio.run(reach(addresses, connect))
    assert not left
    return made


class TestReach:
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
        assert tries(Ending(at_ns=1, error="local-emfile")) == [(A, True)]


def line(found: Choice | NoAnswer, *tried: Tried) -> Attempt:
    """Return the attempt that the journal's reader makes of the line."""
    client = Client("c#1", COHORT, pin_s=36)
    made = attempt_line(client, due_ns=1, start_ns=2, found=found, tries=list(tried))
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
            tries=(Try(address=A, error="connect-timeout"), Try(address=B)),
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

    def test_what_this_host_could_not_try_is_info(self) -> None:
        attempt = line(CHOICE, Tried(A, Ending(at_ns=3, error="local-emfile")))

        assert attempt.outcome is Outcome.INFO

    def test_empty_fields_are_left_out(self) -> None:
        client = Client("c#1", COHORT, pin_s=36)
        found = NoAnswer(error="dns-servfail", at_ns=9)

        made = attempt_line(client, due_ns=1, start_ns=2, found=found, tries=[])

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
            client = Client("c#1", COHORT, pin_s=36)
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
            client = Client("c#1", COHORT, pin_s=36)
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

"""Rules of bursts: who is asked what, and what is made of the answers."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rcode

from lab.agent.burst import Asked, Burst, Questions, Said, burst_facts, said_by
from tests.unit.agent import fakes
from tests.unit.agent.fakes import FakeResolver, Saying

A, B = "203.0.113.10", "203.0.113.74"
MS = 1_000_000
NAME = "rr.example.com."
QUESTIONS = Questions(
    server="127.0.0.1",
    port=53,
    name=NAME,
    count=40,
    interval_us=500,
    subnets=(),
    sources=("127.0.0.9",),
    recursion=True,
)


def burst(
    questions: Questions = QUESTIONS,
    says: Callable[[str], Saying] = lambda _: ((A,), 12),
) -> tuple[list[Asked], FakeResolver]:
    """Put the questions to a fake resolver that says so."""

    async def run() -> tuple[list[Asked], FakeResolver]:
        loop = asyncio.get_running_loop()
        async with fakes.resolver(says) as resolver, asyncio.timeout(8):
            asked = replace(questions, port=resolver.port)
            with Burst(loop, asked, random.Random(1)) as made:
                return await made.run(), resolver

    return asyncio.run(run())


class TestBurst:
    def test_every_question_is_asked_once_with_an_id_of_its_own(self) -> None:
        asked, resolver = burst()

        assert resolver.asked == [NAME] * 40
        assert len({message.id for message in resolver.messages}) == 40
        assert [a.error for a in asked] == [""] * 40

    def test_the_pace_is_kept_whatever_becomes_of_the_answers(self) -> None:
        slow = replace(QUESTIONS, count=100, interval_us=2000)
        asked, _ = burst(slow)

        took_ms = (asked[-1].sent_ns - asked[0].sent_ns) / MS

        assert 190 < took_ms < 1000

    def test_sources_and_subnets_are_used_in_turn(self) -> None:
        subnets = ("198.18.32.0/24", "198.18.33.0/24", "198.18.34.0/24")
        here = ("127.0.0.8", "127.0.0.9")
        _, resolver = burst(replace(QUESTIONS, subnets=subnets, sources=here))

        told = [
            f"{option.address}/{option.srclen}"
            for message in resolver.messages
            for option in message.options
            if isinstance(option, dns.edns.ECSOption)
        ]
        assert told == list(itertools.islice(itertools.cycle(subnets), 40))
        peers = [address for address, _ in resolver.peers]
        assert peers == list(itertools.islice(itertools.cycle(here), 40))

    def test_without_subnets_none_is_told(self) -> None:
        _, resolver = burst()

        assert all(message.edns == -1 for message in resolver.messages)

    def test_recursion_is_desired_unless_told_otherwise(self) -> None:
        _, desired = burst()
        _, undesired = burst(replace(QUESTIONS, recursion=False))

        assert all(m.flags & dns.flags.RD for m in desired.messages)
        assert not any(m.flags & dns.flags.RD for m in undesired.messages)

    def test_silence_is_a_timeout(self) -> None:
        asked, _ = burst(replace(QUESTIONS, count=2), says=lambda _: None)

        assert [a.error for a in asked] == ["dns-timeout"] * 2

    def test_a_refusal_is_told_by_its_word(self) -> None:
        asked, _ = burst(says=lambda _: dns.rcode.SERVFAIL)

        assert {a.error for a in asked} == {"dns-servfail"}


class TestSaidBy:
    def test_the_scope_is_that_of_the_answer(self) -> None:
        option = dns.edns.ECSOption("198.18.32.0", 24, 20)
        query = dns.message.make_query(NAME, "A", use_edns=0)
        response = fakes.response(query, ((A,), 12))
        response.use_edns(options=[option])

        assert said_by(response.to_wire()[2:], NAME) == Said("", (A,), 12, 20)

    def test_an_answer_about_another_name_is_malformed(self) -> None:
        query = dns.message.make_query("www.example.com.", "A")
        wire = fakes.response(query, ((A,), 12)).to_wire()

        assert said_by(wire[2:], NAME).error == "dns-malformed"


def answered(at_ms: int, *addresses: str, ttl_s: int = 12, scope: int | None = None):
    said = Said("" if addresses else "dns-nodata", addresses, ttl_s, scope)
    return Asked(at_ms * MS, said.error, (at_ms + 1) * MS, said)


def facts(*asked: Asked) -> dict[str, Any]:
    return burst_facts(asked)


class TestFacts:
    def test_answers_are_counted_by_first_address_and_by_order(self) -> None:
        told = facts(answered(0, A, B), answered(1, B, A), answered(2, A, B))

        assert (told["asked"], told["answered"]) == (3, 3)
        assert told["first"] == {A: 2, B: 1}
        assert told["orders"] == {f"{A} {B}": 2, f"{B} {A}": 1}

    def test_moves_are_counted_in_order_of_asking(self) -> None:
        late = replace(answered(1, B), received_ns=9 * MS)

        assert facts(answered(0, A), late, answered(2, A), answered(3, A))["moves"] == 2

    def test_what_got_no_address_is_an_error_by_its_word(self) -> None:
        told = facts(answered(0, A), Asked(1), Asked(2), answered(3))

        assert told["answered"] == 1
        assert told["errors"] == {"dns-timeout": 2, "dns-nodata": 1}

    def test_ttls_and_scopes_are_those_that_came(self) -> None:
        told = facts(
            answered(0, A, ttl_s=12, scope=24),
            answered(1, A, ttl_s=3, scope=24),
            answered(2, A, ttl_s=7, scope=0),
        )

        assert told["ttls"] == [3, 12]
        assert told["scopes"] == {"24": 2, "0": 1}

    def test_time_is_from_each_question_to_its_answer(self) -> None:
        told = facts(*(answered(ms, A) for ms in range(100)))

        assert told["rtt_ms"] == {"p50": 1.0, "p95": 1.0, "p99": 1.0}
        assert (told["start_ns"], told["end_ns"]) == (0, 100 * MS)

    def test_without_any_answer_there_is_nothing_to_tell_of_answers(self) -> None:
        told = facts(Asked(5), Asked(6))

        assert (told["ttls"], told["rtt_ms"], told["runs"]) == ([], {}, [])
        assert (told["start_ns"], told["end_ns"]) == (5, 6)

    def test_a_run_is_a_stay_of_a_set_whatever_its_order(self) -> None:
        told = facts(
            answered(0, A, B), answered(1, B, A), answered(2), answered(3, A, B)
        )

        assert told["runs"] == [
            {"addresses": [A, B], "first_ns": MS, "last_ns": 2 * MS, "count": 2},
            {"addresses": [], "first_ns": 3 * MS, "last_ns": 3 * MS, "count": 1},
            {"addresses": [A, B], "first_ns": 4 * MS, "last_ns": 4 * MS, "count": 1},
        ]

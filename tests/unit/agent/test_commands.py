"""Rules of the command lines."""

from __future__ import annotations

import json

import pytest

from lab.agent.commands import (
    Ask,
    Command,
    Flush,
    Query,
    Refused,
    Stats,
    Stop,
    read_command,
    resolution_facts,
)
from lab.agent.resolver import NoAnswer
from lab.agent.stub import Answer

BURST = {
    "id": 9,
    "do": "burst",
    "server": "198.18.0.53",
    "qname": "rr",
    "count": 5,
    "interval_us": 500,
}
OPTIONS = {"subnets": ["198.18.32.0/24"], "users": 2, "recursion": False}


def refusal(**changed: object) -> str:
    command = read_command(json.dumps({**BURST, **changed}), resolvers=(), sources=2)
    assert isinstance(command, Refused)
    assert command.id == BURST["id"]
    return command.error


class TestBurst:
    def test_all_mistakes_are_told_at_once(self) -> None:
        wrong = {"server": "us-honest", "count": 0, "interval_us": 1, "users": 3}

        told = refusal(**wrong, subnets=["everywhere"], speed=9)

        assert told.split("; ") == [
            'burst: unknown key "speed"',
            "allowed: subnets, users, recursion",
            'server is "us-honest"',
            "must be an IP address",
            "count is 0",
            "must be at least 1",
            "interval_us is 1",
            "must be at least 50",
            "users is 3",
            "must be from 1 to 2",
            'subnets holds "everywhere"',
            "must be a prefix such as 198.18.32.0/24",
        ]

    def test_subnets_are_a_list(self) -> None:
        assert "must be a list of prefixes" in refusal(subnets="198.18.32.0/24")

    @pytest.mark.parametrize("key", ["server", "qname", "count", "interval_us"])
    def test_what_is_of_the_wrong_kind_is_no_command(self, key: str) -> None:
        assert "not a command" in refusal(**{key: None})


class TestReadCommand:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ('{"id":1,"do":"flush"}', Flush(id=1)),
            ('{"id":2,"do":"stats"}', Stats(id=2)),
            ('{"id":3,"do":"stop"}', Stop(id=3)),
            (
                '{"id":4,"do":"query","resolver":"r","qname":"rr"}',
                Query(id=4, resolver="r", qname="rr"),
            ),
            (
                '{"id":4,"do":"query","server":"198.18.0.53","qname":"rr"}',
                Query(id=4, server="198.18.0.53", qname="rr"),
            ),
            (
                json.dumps(BURST),
                Ask(id=9, server="198.18.0.53", qname="rr", count=5, interval_us=500),
            ),
            (
                json.dumps({**BURST, **OPTIONS}),
                Ask(
                    id=9,
                    server="198.18.0.53",
                    qname="rr",
                    count=5,
                    interval_us=500,
                    subnets=("198.18.32.0/24",),
                    users=2,
                    recursion=False,
                ),
            ),
        ],
    )
    def test_each_verb_is_a_command(self, line: str, expected: Command) -> None:
        assert read_command(line, resolvers={"r"}, sources=2) == expected

    @pytest.mark.parametrize(
        ("line", "number"),
        [
            ("nonsense", None),
            ("[]", None),
            ('{"do":"flush"}', None),
            ('{"id":5,"do":"dance"}', 5),
            ('{"id":6,"do":"query","resolver":"r"}', 6),
        ],
    )
    def test_anything_else_is_refused_under_its_number(
        self, line: str, number: int | None
    ) -> None:
        command = read_command(line, resolvers={"r"})

        assert isinstance(command, Refused)
        assert command.id == number


class TestResolutionFacts:
    def test_an_answer_has_its_time_of_receipt(self) -> None:
        answer = Answer(addresses=("203.0.113.10",), ttl_s=9, received_ns=77)

        assert resolution_facts(answer) == {
            "addresses": ["203.0.113.10"],
            "ttl_s": 9,
            "rcode": "noerror",
            "t": 77,
        }

    def test_a_failed_resolution_is_not_ok(self) -> None:
        facts = resolution_facts(NoAnswer(error="dns-servfail", at_ns=78))

        assert facts == {
            "ok": False,
            "error": "dns-servfail",
            "rcode": "servfail",
            "t": 78,
        }

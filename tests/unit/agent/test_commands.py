"""Rules of the command lines."""

from __future__ import annotations

import pytest

from lab.agent.commands import (
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
        ],
    )
    def test_each_verb_is_a_command(self, line: str, expected: Command) -> None:
        assert read_command(line, resolvers={"r"}) == expected

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

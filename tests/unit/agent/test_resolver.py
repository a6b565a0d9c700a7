"""Rules of asking a resolver, against a real one in the same process."""

from __future__ import annotations

import asyncio

import dns.message
import dns.rcode
import dns.rrset
import pytest

from lab.agent.resolver import NoAnswer, Resolution, Resolver, resolution_from_wire
from lab.agent.stub import Answer
from tests.unit.agent import fakes
from tests.unit.agent.fakes import Saying

NAME = "failover.example.com."
TWO = ("203.0.113.10", "203.0.113.138")


def ask(
    *sayings: Saying, times: int = 1, retransmit_s: float = 2, rest_s: float = 2
) -> tuple[list[Resolution], list[str]]:
    """Ask once after the other; return what came and what the resolver was asked."""

    async def asking() -> tuple[list[Resolution], list[str]]:
        left = list(sayings)
        async with fakes.resolver(lambda _: left.pop(0)) as fake:
            resolver = Resolver(
                asyncio.get_running_loop(),
                source="127.0.0.1",
                address="127.0.0.1",
                port=fake.port,
                timeout_s=retransmit_s + rest_s,
                retransmit_s=retransmit_s,
            )
            found = [await resolver.ask(NAME) for _ in range(times)]
            resolver.close()
            return found, fake.asked

    return asyncio.run(asking())


def error(found: list[Resolution]) -> str:
    assert isinstance(found[0], NoAnswer)
    return found[0].error


class TestAsk:
    def test_an_answer_has_addresses_in_order_and_the_ttl(self) -> None:
        found, asked = ask((TWO, 12))

        assert isinstance(found[0], Answer)
        assert found[0].addresses == TWO
        assert found[0].ttl_s == 12
        assert asked == [NAME]

    def test_a_lost_packet_is_sent_once_more(self) -> None:
        found, asked = ask(None, (TWO, 12), retransmit_s=0.04)

        assert isinstance(found[0], Answer)
        assert asked == [NAME, NAME]

    def test_silence_is_a_timeout_after_one_retransmission(self) -> None:
        found, asked = ask(None, None, retransmit_s=0.04, rest_s=0.04)

        assert error(found) == "dns-timeout"
        assert asked == [NAME, NAME]

    @pytest.mark.parametrize(
        ("rcode", "word"),
        [
            (dns.rcode.SERVFAIL, "dns-servfail"),
            (dns.rcode.NXDOMAIN, "dns-nxdomain"),
            (dns.rcode.REFUSED, "dns-refused"),
        ],
    )
    def test_a_response_code_is_the_error(
        self, rcode: dns.rcode.Rcode, word: str
    ) -> None:
        found, asked = ask(rcode)

        assert error(found) == word
        assert asked == [NAME]

    def test_no_address_is_nodata(self) -> None:
        assert error(ask(((), 12))[0]) == "dns-nodata"

    def test_questions_after_one_another_are_apart(self) -> None:
        found, _ = ask((TWO, 12), (TWO[:1], 7), times=2)

        assert [f.ttl_s for f in found if isinstance(f, Answer)] == [12, 7]

    def test_no_route_to_the_resolver_is_told_at_once(self) -> None:
        async def asking() -> Resolution:
            resolver = Resolver(
                asyncio.get_running_loop(),
                source="127.0.0.1",
                address="198.51.100.53",  # not reachable from a loopback address
            )
            found = await resolver.ask(NAME)
            resolver.close()
            return found

        assert error([asyncio.run(asking())]) == "dns-unreachable"


class TestResolutionFromWire:
    def test_the_ttl_of_a_chain_is_its_smallest(self) -> None:
        made = dns.message.make_response(dns.message.make_query(NAME, "A"))
        made.answer.append(
            dns.rrset.from_text(NAME, 5, "IN", "CNAME", "us.example.com.")
        )
        made.answer.append(
            dns.rrset.from_text("us.example.com.", 60, "IN", "A", "203.0.113.10")
        )

        found = resolution_from_wire(made.to_wire(), NAME, 1)

        assert found == Answer(addresses=("203.0.113.10",), ttl_s=5, received_ns=1)

    def test_garbage_is_malformed(self) -> None:
        assert resolution_from_wire(b"\0" * 5, NAME, 1) == NoAnswer(
            error="dns-malformed", at_ns=1
        )

    def test_another_question_is_malformed(self) -> None:
        wire = dns.message.make_response(dns.message.make_query("x.example.com.", "A"))

        assert resolution_from_wire(wire.to_wire(), NAME, 1) == NoAnswer(
            error="dns-malformed", at_ns=1
        )

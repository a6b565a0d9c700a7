"""Rules of the readiness probes that need no daemon."""

import dns.flags
import dns.message
import dns.rrset

from lab.node.probes import dns_addresses, dns_question, holds


def _reply(*addresses: str) -> bytes:
    message = dns.message.make_response(
        dns.message.from_wire(dns_question("www.example.com.", 7))
    )
    if addresses:
        message.answer.append(
            dns.rrset.from_text("www.example.com.", 60, "IN", "A", *addresses)
        )
    return message.to_wire()


class TestDns:
    def test_the_question_is_what_another_parser_reads(self) -> None:
        message = dns.message.from_wire(dns_question("www.example.com.", 7))

        assert message.id == 7
        assert message.flags & dns.flags.RD
        assert message.question[0].to_text() == "www.example.com. IN A"

    def test_all_addresses_of_a_compressed_reply_are_read(self) -> None:
        reply = _reply("203.0.113.10", "203.0.113.138")

        rcode, addresses = dns_addresses(reply)

        assert rcode == 0
        assert sorted(addresses) == ["203.0.113.10", "203.0.113.138"]

    def test_an_empty_answer_has_no_address(self) -> None:
        assert dns_addresses(_reply()) == (0, [])

    def test_the_root_is_asked_by_an_empty_name(self) -> None:
        message = dns.message.from_wire(dns_question(".", 7))

        assert message.question[0].name.to_text() == "."


class TestHolds:
    def test_what_cannot_be_reached_does_not_hold(self) -> None:
        args = {"host": "127.0.0.1", "port": 1, "path": "/"}

        good, seen = holds({"kind": "http", "args": args})

        assert not good
        assert "ConnectionRefusedError" in seen

"""One request, step by step, against real servers of this process."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import dns.message
import dns.rrset
import pytest

from lab.agent import journey
from lab.agent.journey import ask, fetch

NAME = "failover.example.com"


class Replying(BaseHTTPRequestHandler):
    """A proxy that says who it is."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("x-l7", "us-east-l7-1")
        self.end_headers()
        self.wfile.write(json.dumps({"host": self.headers["Host"]}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Replying) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def resolver() -> Iterator[int]:
    """A resolver that answers one question."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))

        def answer() -> None:
            wire, whom = udp.recvfrom(4096)
            reply = dns.message.make_response(dns.message.from_wire(wire))
            texts = ("203.0.113.10", "203.0.113.74")
            reply.answer.append(dns.rrset.from_text(f"{NAME}.", 9, "IN", "A", *texts))
            udp.sendto(reply.to_wire(want_shuffle=False), whom)

        thread = threading.Thread(target=answer)
        thread.start()
        yield udp.getsockname()[1]
        thread.join()


def nobody() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


class TestAsk:
    def test_the_answer_comes_with_its_ttl_and_the_wait(self, resolver: int) -> None:
        told = ask("127.0.0.1", NAME, port=resolver)

        assert told.pop("took_ms") > 0
        assert told == {
            "rcode": "NOERROR",
            "ttl_s": 9,
            "addresses": ["203.0.113.10", "203.0.113.74"],
        }

    def test_silence_is_told_with_the_wait(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(journey, "PATIENCE_S", 0.05)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))

            told = ask("127.0.0.1", NAME, port=silent.getsockname()[1])

        assert told["error"]
        assert told["took_ms"] >= 50


class TestFetch:
    def test_a_reply_comes_with_each_step_and_who_proxied(self, web: int) -> None:
        told = fetch("127.0.0.1", NAME, port=web)

        assert (told["status"], told["l7"]) == (200, "us-east-l7-1")
        assert json.loads(told["body"]) == {"host": NAME}
        assert told["source"] == "127.0.0.1"
        assert told["connect_ms"] > 0
        assert told["reply_ms"] > 0

    def test_a_refusal_has_no_connection(self) -> None:
        told = fetch("127.0.0.1", NAME, port=nobody())

        assert "refused" in told["error"]
        assert "connect_ms" not in told

    def test_a_connection_without_reply_tells_both(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=lambda: server.accept()[0].close())
            thread.start()
            told = fetch("127.0.0.1", NAME, port=server.getsockname()[1])
            thread.join()

        assert told["connect_ms"] <= told["took_ms"]
        assert told["error"]

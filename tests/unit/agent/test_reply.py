"""Rules of reading an HTTP reply."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.agent.reply import Reply, read_reply
from tests.unit.agent.fakes import http

BACKEND = {"region": "us-east", "pop": "us-east", "backend": "us-east-be-1"}
LAST = Reply(status=200, region="us-east", pop="us-east", backend="us-east-be-1")
GOOD = replace(LAST, persists=True)


class TestReadReply:
    def test_a_good_reply_names_its_sender(self) -> None:
        reply = read_reply(http(200, BACKEND), ended=False)

        assert reply == GOOD
        assert reply.error == ""

    def test_every_cut_before_the_end_is_incomplete(self) -> None:
        wire = http(200, BACKEND)

        cuts = [read_reply(wire[:n], ended=False) for n in range(len(wire))]

        assert cuts == [None] * len(wire)

    def test_a_body_without_length_ends_with_the_stream(self) -> None:
        wire = http(200, BACKEND).replace(b"Content-Length", b"X-Was")

        assert read_reply(wire, ended=False) is None
        assert read_reply(wire, ended=True) == LAST

    def test_a_short_body_stays_incomplete_at_the_end_of_the_stream(self) -> None:
        assert read_reply(http(200, BACKEND)[:-1], ended=True) is None

    def test_a_chunked_body_ends_with_its_last_chunk(self) -> None:
        head, _, body = http(200, BACKEND).partition(b"\r\n\r\n")
        head = head.replace(b"Content-Length: ", b"Transfer-Encoding: chunked\r\nX: ")
        cut = len(body) // 2
        chunks = b"".join(
            b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:cut], body[cut:])
        )
        wire = head + b"\r\n\r\n" + chunks

        assert read_reply(wire, ended=False) is None
        assert read_reply(wire + b"0\r\n\r\n", ended=False) == GOOD

    def test_it_tells_who_passed_it_on_and_which_cookie_to_send_back(self) -> None:
        headers = ("X-L7: us-east-l7-1", 'Set-Cookie: session="MTA"; Path=/; HttpOnly')

        reply = read_reply(http(200, BACKEND, *headers), ended=False)

        told = replace(GOOD, l7="us-east-l7-1", cookie='session="MTA"')
        assert reply == told

    def test_another_status_is_the_error(self) -> None:
        reply = read_reply(http(503, {"error": "draining"}), ended=False)

        assert reply is not None
        assert reply.error == "http-503"

    def test_a_refusal_for_load_is_overload(self) -> None:
        reply = read_reply(http(503, {}, "X-Overload: 1"), ended=False)

        assert reply is not None
        assert reply.error == "overload"

    def test_a_proxy_that_has_no_room_for_more_refuses_for_load_too(self) -> None:
        reply = read_reply(http(503, {}, "X-Envoy-Overloaded: true"), ended=False)

        assert reply is not None
        assert reply.error == "overload"

    def test_a_body_that_says_nothing_is_no_good_reply(self) -> None:
        bodies: tuple[object, ...] = ({"region": "us-east"}, [], "text")
        for body in bodies:
            reply = read_reply(http(200, body), ended=False)

            assert reply is not None
            assert reply.error == "bad-reply"

    def test_what_is_no_http_is_no_good_reply(self) -> None:
        reply = read_reply(b"SSH-2.0-x\r\n\r\n", ended=True)

        assert reply is not None
        assert reply.error == "bad-reply"

    def test_a_chunk_size_that_is_no_number_is_no_good_reply(self) -> None:
        wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nzz\r\n"

        reply = read_reply(wire, ended=False)

        assert reply is not None
        assert reply.error == "bad-reply"


class TestPersists:
    def test_a_closing_server_takes_no_further_request(self) -> None:
        wire = http(200, BACKEND, "Connection: close")

        assert read_reply(wire, ended=False) == LAST
        assert read_reply(http(200, BACKEND), ended=True) == LAST

    def test_what_follows_a_reply_unasked_spoils_the_connection(self) -> None:
        assert read_reply(http(200, BACKEND) + b"HTTP/1.1", ended=False) == LAST

    @pytest.mark.parametrize("status", [404, 503])
    def test_an_error_leaves_the_connection_as_good_as_before(
        self, status: int
    ) -> None:
        reply = read_reply(http(status, {}), ended=False)

        assert reply is not None
        assert reply.persists

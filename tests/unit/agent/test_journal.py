"""Rules of the journal: lines out, without holding up whoever writes them."""

from __future__ import annotations

import json
import os
import threading

import pytest

from lab.agent.journal import Journal, ReaderTooSlow


def nothing() -> None:
    """Be the callback of a journal that does not break."""


class TestJournal:
    def test_lines_come_out_in_order_one_json_object_each(self) -> None:
        reading, writing = os.pipe()
        with Journal(writing, on_broken=nothing) as journal:
            for number in range(3):
                journal.write({"n": number})
                journal.flush()
        os.close(writing)

        with os.fdopen(reading) as lines:
            assert [json.loads(line)["n"] for line in lines] == [0, 1, 2]

    def test_what_was_not_flushed_is_written_at_the_end(self) -> None:
        reading, writing = os.pipe()
        with Journal(writing, on_broken=nothing) as journal:
            journal.write({"n": 1})
        os.close(writing)

        with os.fdopen(reading) as lines:
            assert lines.read() == '{"n":1}\n'

    def test_a_reader_that_stands_still_does_not_hold_up_the_writer(self) -> None:
        reading, writing = os.pipe()
        text = "x" * 200_000  # more than a pipe holds
        with Journal(writing, on_broken=nothing) as journal:
            journal.write({"text": text})
            journal.flush()
            journal.write({"n": 2})
            journal.flush()
            first = os.read(reading, 1)
            rest = bytearray()
            while not rest.endswith(b'{"n":2}\n'):
                rest += os.read(reading, 65_536)
        os.close(writing)
        os.close(reading)

        assert first == b"{"
        assert len(rest) > 200_000

    def test_a_reader_too_far_behind_is_an_error(self) -> None:
        reading, writing = os.pipe()
        with Journal(writing, on_broken=nothing, backlog_bytes=100_000) as journal:
            journal.write({"text": "x" * 300_000})
            journal.flush()
            with pytest.raises(ReaderTooSlow, match="100000 bytes behind"):
                journal.flush()
            os.close(reading)
        os.close(writing)

    def test_a_reader_that_has_gone_is_told_of_once(self) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        broken = threading.Event()
        with Journal(writing, on_broken=broken.set) as journal:
            journal.write({"n": 1})
            journal.flush()
            told = broken.wait(5)
            journal.write({"n": 2})
        os.close(writing)

        assert told
        assert journal.broken

"""Rules of the journal's codec."""

from __future__ import annotations

import json

from lab.history import Answer, Attempt, Outcome, Try, attempt_from_json, record_to_json

ATTEMPT = Attempt(
    client="c#1",
    cohort="c",
    due_ns=1,
    start_ns=2,
    end_ns=3,
    outcome=Outcome.OK,
    tries=(
        Try(address="203.0.113.10", error="cancelled"),
        Try(address="203.0.113.74", connect_ms=80.123),
    ),
    answer=Answer(
        source="connection", addresses=("203.0.113.10",), ttl_s=0, received_ns=0
    ),
    source="198.18.41.10",
)


class TestAttempt:
    def test_what_was_written_is_read_back(self) -> None:
        assert attempt_from_json(record_to_json(ATTEMPT)) == ATTEMPT

    def test_empty_fields_are_left_out_everywhere(self) -> None:
        written = json.loads(record_to_json(ATTEMPT))

        assert "error" not in written
        assert written["tries"] == [
            {"address": "203.0.113.10", "error": "cancelled"},
            {"address": "203.0.113.74", "connect_ms": 80.123},
        ]
        assert written["answer"]["ttl_s"] == 0

"""Rules of reading gdnsd; lines and counters are its own (3.8.3)."""

from __future__ import annotations

import json

import pytest

from lab.live.daemons.gdnsd import query_count, verdict


class TestVerdict:
    def test_a_first_verdict_counts(self) -> None:
        line = "info: state of '203.0.113.138/deep' initialized to UP/4"

        assert verdict(line) == ("203.0.113.138", "up")

    def test_down(self) -> None:
        line = "info: state of '203.0.113.10/deep' changed from UP/2 to DOWN/2"

        assert verdict(line) == ("203.0.113.10", "down")

    def test_up_again(self) -> None:
        line = "info: state of '203.0.113.10/deep' changed from DOWN/2 to UP/4"

        assert verdict(line) == ("203.0.113.10", "up")

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "info: DNS listeners started",
            "info: Initial round of monitoring complete",
            "info: state of '203.0.113.10/other' changed from DOWN/2 to UP/4",
        ],
    )
    def test_other_lines_tell_of_none(self, line: str) -> None:
        assert verdict(line) is None


class TestQueryCount:
    def test_both_transports_count(self) -> None:
        stats = {"udp": {"reqs": 39, "tc": 0}, "tcp": {"reqs": 2, "conns": 1}}

        assert query_count(json.dumps(stats)) == 41

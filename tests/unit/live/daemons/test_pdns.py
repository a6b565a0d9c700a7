"""Rules of reading PowerDNS; the lines are its own (4.9.17)."""

from __future__ import annotations

import pytest

from lab.live.daemons.pdns import ADAPTER, verdict

UP = (
    "LUA record monitoring declaring 203.0.113.10 UP for URL "
    "http://failover.example.com/deep!"
)
DOWN = (
    "LUA record monitoring declaring 203.0.113.138 DOWN for URL "
    "http://failover.example.com/deep, error: Unable to retrieve URL (0): "
    "Could not connect to server"
)


class TestVerdict:
    def test_up(self) -> None:
        assert verdict(UP) == ("203.0.113.10", "up")

    def test_down_whatever_the_error(self) -> None:
        assert verdict(DOWN) == ("203.0.113.138", "down")

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "UDP server bound to 198.18.0.53:53",
            "[bindbackend] Done parsing domains, 0 rejected, 1 new, 0 removed",
        ],
    )
    def test_other_lines_tell_of_none(self, line: str) -> None:
        assert verdict(line) is None


class TestQueryCount:
    def test_it_is_the_number_printed(self) -> None:
        assert ADAPTER.query_count is not None
        assert ADAPTER.query_count("34\n") == 34

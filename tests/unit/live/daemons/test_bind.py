"""Rules of commanding BIND; the counters are its own (9.20.26)."""

from __future__ import annotations

from lab.live.daemons.bind import flush_argv, query_count, upstream_count
from lab.render.bind import CONTROL

STATISTICS = """\
+++ Statistics Dump +++ (1795427647)
++ Name Server Statistics ++
                  10 IPv4 requests received
                   2 requests with EDNS(0) received
++ Resolver Statistics ++
[Common]
[View: default]
                  16 IPv4 queries sent
                  16 IPv4 responses received
[View: _bind]
                   1 bucket size
--- Statistics Dump --- (1795427647)
"""


class TestFlush:
    def test_a_zone_is_forgotten_with_all_below_it(self) -> None:
        words = ("rndc", "-c", CONTROL, "flushtree", "example.com")

        assert flush_argv("example.com") == words


class TestCounters:
    def test_what_users_asked_and_what_it_asked_are_two_counters(self) -> None:
        assert query_count(STATISTICS) == 10
        assert upstream_count(STATISTICS) == 16

    def test_a_counter_that_is_not_there_is_zero(self) -> None:
        assert upstream_count("++ Resolver Statistics ++\n") == 0

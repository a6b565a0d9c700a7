"""Rules of commanding Unbound."""

from __future__ import annotations

from lab.live.daemons.unbound import flush_argv, query_count, upstream_count
from lab.render.unbound import CONFIG


class TestFlush:
    def test_a_zone_is_forgotten_with_all_below_it(self) -> None:
        assert flush_argv("example.com") == (
            "unbound-control",
            "-c",
            CONFIG,
            "flush_zone",
            "example.com",
        )


class TestCounters:
    STATISTICS = (
        "thread0.num.queries=10\ntotal.num.queries=10\ntotal.num.recursivereplies=6\n"
        "num.query.tcpout=1\nnum.query.udpout=11\nmsg.cache.count=1\n"
    )

    def test_what_users_asked_and_what_it_asked_are_two_counters(self) -> None:
        assert query_count(self.STATISTICS) == 10
        assert upstream_count(self.STATISTICS) == 12

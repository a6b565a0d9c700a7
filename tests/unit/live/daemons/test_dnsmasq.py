"""Rules of commanding dnsmasq; the counters are its own (2.91)."""

from __future__ import annotations

from lab.live.daemons.dnsmasq import flush_argv, query_count, upstream_count
from lab.render.dnsmasq import PID_FILE

HITS_AND_MISSES = '"2"\n"10"\n'


class TestFlush:
    def test_it_forgets_everything_by_signal(self) -> None:
        assert flush_argv("example.com") == ("sh", "-c", f"kill -HUP $(cat {PID_FILE})")


class TestCounters:
    def test_every_query_is_a_hit_or_a_miss(self) -> None:
        assert query_count(HITS_AND_MISSES) == 12

    def test_a_miss_is_a_query_sent(self) -> None:
        assert upstream_count(HITS_AND_MISSES) == 10

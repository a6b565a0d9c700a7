"""Rules of commanding Unbound."""

from __future__ import annotations

from lab.live.daemons.unbound import flush_argv, query_count, upstream_count
from lab.render.unbound import CONFIG


class TestFlush:
    def test_a_zone_is_forgotten_with_all_below_it(self) -> None:
        shell, flag, script = flush_argv("example.com")

        assert (shell, flag) == ("sh", "-c")
        assert f"unbound-control -c {CONFIG} flush_zone example.com" in script

    def test_answers_for_subnets_are_forgotten_by_a_reload(self) -> None:
        *_, script = flush_argv("example.com")
        told, _, rest = script.partition("; then ")

        assert "subnetcache" in told
        assert rest.startswith(f"unbound-control -c {CONFIG} reload; else ")


class TestCounters:
    STATISTICS = (
        "thread0.num.queries=10\ntotal.num.queries=10\ntotal.num.recursivereplies=6\n"
        "num.query.tcpout=1\nnum.query.udpout=11\nmsg.cache.count=1\n"
    )

    def test_what_users_asked_and_what_it_asked_are_two_counters(self) -> None:
        assert query_count(self.STATISTICS) == 10
        assert upstream_count(self.STATISTICS) == 12

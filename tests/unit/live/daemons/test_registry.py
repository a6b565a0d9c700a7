"""Rules of finding the adapter of a stage."""

from __future__ import annotations

import pytest

from lab.live.daemons import registry
from lab.render.registry import PROVIDERS, RESOLVERS


class TestVersions:
    def test_a_stage_of_two_daemons_has_two(self) -> None:
        programs = [argv[0] for argv in registry.version_argv("l4")]

        assert programs == ["bird", "envoy"]

    @pytest.mark.parametrize("stem", registry.ADAPTERS)
    def test_every_stage_can_tell_them(self, stem: str) -> None:
        assert all(registry.version_argv(stem))


class TestResolvers:
    @pytest.mark.parametrize("stem", sorted(RESOLVERS.keys() - {"dnsmasq"}))
    def test_each_can_forget_a_zone(self, stem: str) -> None:
        assert any("example.com" in w for w in registry.flush_argv(stem, "example.com"))

    def test_dnsmasq_forgets_all_there_is(self) -> None:
        assert "kill -HUP" in registry.flush_argv("dnsmasq", "example.com")[-1]

    @pytest.mark.parametrize("stem", RESOLVERS)
    def test_each_counts_queries_received_and_sent(self, stem: str) -> None:
        printed = {
            "bind": " 7 IPv4 requests received\n 5 IPv4 queries sent\n",
            "dnsmasq": '"2"\n"5"\n',
            "recursor": "7\n4\n1\n",
            "unbound": "total.num.queries=7\nnum.query.udpout=4\nnum.query.tcpout=1\n",
        }[stem]

        assert registry.query_count_argv(stem)
        assert registry.query_count(stem, printed) == 7
        assert registry.upstream_count(stem, printed) == 5

    def test_who_asks_nobody_says_so(self) -> None:
        with pytest.raises(KeyError, match="pdns asks nobody"):
            registry.upstream_count("pdns", "7\n")

    def test_recursor_tells_what_it_has_cached(self) -> None:
        command, *words = registry.cache_entries_argv("recursor")

        assert command == "rec_control"
        assert words[-2:] == ["dump-cache", "-"]
        assert registry.cache_entries("recursor", "", "geo.example.com") == 0

    def test_the_others_say_that_they_do_not(self) -> None:
        with pytest.raises(KeyError, match="unbound does not tell"):
            registry.cache_entries_argv("unbound")
        with pytest.raises(KeyError, match="unbound does not tell"):
            registry.cache_entries("unbound", "", "geo.example.com")

    def test_what_caches_nothing_says_so(self) -> None:
        with pytest.raises(KeyError, match="nsd has no cache"):
            registry.flush_argv("nsd", "example.com")


class TestProviders:
    @pytest.mark.parametrize("stem", PROVIDERS)
    def test_each_counts_its_queries(self, stem: str) -> None:
        assert registry.query_count_argv(stem)

    @pytest.mark.parametrize("stem", PROVIDERS)
    def test_each_tells_what_its_checks_decided(self, stem: str) -> None:
        lines = {
            "gdnsd": "info: state of '203.0.113.10/deep' changed from UP/2 to DOWN/2",
            "pdns": "declaring 203.0.113.10 DOWN for URL http://x/deep, error: -",
        }

        assert registry.parse_log(stem)(lines[stem]) == ("203.0.113.10", "down")

    def test_its_output_is_read_by_its_own_reader(self) -> None:
        assert registry.query_count("pdns", "7\n") == 7

    def test_what_counts_nothing_says_so(self) -> None:
        with pytest.raises(KeyError, match="nsd counts no queries"):
            registry.query_count_argv("nsd")
        with pytest.raises(KeyError, match="nsd counts no queries"):
            registry.query_count("nsd", "7\n")


class TestLogs:
    def test_a_stage_without_checks_never_tells_of_a_verdict(self) -> None:
        read = registry.parse_log("nsd")

        assert read("info: state of '203.0.113.10/deep' initialized to UP/4") is None

"""Rules of commanding PowerDNS Recursor; what it prints is its own (5.2)."""

from __future__ import annotations

from lab.live.daemons.recursor import (
    cache_entries,
    flush_argv,
    query_count,
    upstream_count,
)


class TestFlush:
    def test_a_zone_is_forgotten_with_all_below_it(self) -> None:
        assert flush_argv("example.com")[-2:] == ("wipe-cache", "example.com$")


class TestCounters:
    def test_questions_come_first_and_then_what_it_asked(self) -> None:
        assert query_count("9\n8\n1\n") == 9
        assert upstream_count("9\n8\n1\n") == 9


SECOND = (
    "geo.example.com. 4 3 IN A 203.0.113.74 ; (Indeterminate) auth=1 nm= rtag= ss=0"
)


def line(left_s: int = 3, subnet: str = "", owner: str = "geo.example.com.") -> str:
    return (
        f"{owner} 4 {left_s} IN A 203.0.113.10 ; (Indeterminate) auth=1 "
        f"zone=example.com from=198.18.0.53 nm={subnet} rtag= ss=0\n"
    )


class TestCacheEntries:
    def test_subnets_have_an_answer_each(self) -> None:
        text = line(subnet="198.18.40.0/24") + line(subnet="198.18.41.0/24")

        assert cache_entries(text, "geo.example.com") == 2

    def test_an_answer_of_two_addresses_is_one(self) -> None:
        assert cache_entries(line() + SECOND, "geo.example.com") == 1

    def test_what_has_ended_and_other_names_do_not_count(self) -> None:
        text = line(left_s=-1) + line(owner="www.geo.example.com.")

        assert cache_entries(text, "geo.example.com") == 0

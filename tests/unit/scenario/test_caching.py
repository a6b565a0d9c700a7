"""Rules of how often resolvers ask, and of what they tell past the truth."""

from __future__ import annotations

import pytest

from lab.scenario import caching
from lab.topology.model import Check, Resolver, Timers

TIMERS = Timers(
    ttl_s=4,
    check=Check(interval_s=2, timeout_s=1, threshold=2),
    clamp_s=10,
    stale_answer_ttl_s=6,
    pin_s=36,
)


def resolver(
    daemon: str = "unbound", behaviour: str = "honest", **more: object
) -> Resolver:
    raw = {"name": "r", "daemon": daemon, "behaviour": behaviour, **more}
    return Resolver.model_validate({**raw, "address": "198.18.0.1"})


class TestFetches:
    def test_unbound_fetches_once_per_ttl_and_a_second(self) -> None:
        assert caching.period_s(TIMERS, resolver()) == 5
        assert caching.period_s(TIMERS, resolver("recursor")) == 4

    def test_lie_between_the_longest_and_the_shortest_lives(self) -> None:
        low, high, _ = caching.fetches(TIMERS, resolver(), for_s=21, every_s=0)
        assert (low, high) == (4, 6)

    def test_are_fewer_where_a_clamp_holds(self) -> None:
        _, high, _ = caching.fetches(
            TIMERS, resolver(behaviour="clamping"), for_s=20, every_s=0
        )
        assert high == 2

    def test_who_asks_rarely_makes_lives_longer(self) -> None:
        low, _, _ = caching.fetches(TIMERS, resolver(), for_s=21, every_s=5)
        assert low == 2


class TestAfterCorrection:
    def test_a_wrong_answer_lives_on_for_a_whole_life(self) -> None:
        bound = caching.after_correction(TIMERS, resolver(), interval_s=0.5)
        assert (bound.low_s, bound.high_s) == (0, 5.5)


class TestRetryCost:
    def test_is_the_wait_at_the_dead_provider_once_per_fetch(self) -> None:
        _, high, _ = caching.retry_cost(
            TIMERS, resolver("recursor"), for_s=40, interval_s=0.5
        )
        # Up to 14 fetches in lives of 3 s, 1.5 s each and one attempt more.
        assert high == pytest.approx(14 * 2 / 40)

    def test_is_never_more_than_everything(self) -> None:
        assert caching.retry_cost(TIMERS, resolver(), for_s=1, interval_s=1)[1] == 1


class TestLateStaleCost:
    def cost(self, of: Resolver) -> tuple[float, float]:
        low, high, _ = caching.late_stale_cost(
            TIMERS, of, for_s=10, clients=2, interval_s=0.5
        )
        return low, high

    def test_is_nothing_where_stale_answers_come_at_once(self) -> None:
        assert self.cost(resolver(behaviour="serve-stale")) == (0, 0)

    def test_is_something_but_not_all_where_the_resolver_tries_first(self) -> None:
        low, high = self.cost(resolver(behaviour="serve-stale", stale_after_s=1.8))
        assert (low, high) == (1 / 40, pytest.approx(0.69))

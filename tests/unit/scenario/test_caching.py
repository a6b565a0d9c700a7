"""Rules of how often resolvers ask, and of what they tell past the truth."""

from __future__ import annotations

import math

import pytest

from lab.scenario import caching
from lab.scenario.model import Bound
from lab.topology.model import Resolver
from lab.topology.timers import Check, Timers

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
    def test_dnsmasq_fetches_once_per_ttl_and_a_second(self) -> None:
        assert caching.period_s(TIMERS, resolver("dnsmasq", "forwarding")) == 5
        assert caching.period_s(TIMERS, resolver()) == 4

    def test_lie_between_the_longest_and_the_shortest_lives(self) -> None:
        low, high, _ = caching.fetches(TIMERS, resolver(), for_s=21, every_s=0)
        assert (low, high) == (5, 6)

    def test_are_fewer_if_the_first_was_just_before(self) -> None:
        _, high, _ = caching.fetches(
            TIMERS, resolver(), for_s=21, every_s=0, primed=True
        )
        assert high == 5

    @pytest.mark.parametrize("first_s", [-1.0, -0.6, -0.001, 0.0, 0.999, 2.5, 3.999])
    @pytest.mark.parametrize("late_s", [0.0, 0.4, 0.999])
    def test_are_those_of_a_cache_that_counts_whole_seconds(
        self, first_s: float, late_s: float
    ) -> None:
        for_s, fetched = 21.0, [first_s]
        while fetched[-1] < for_s:
            fetched.append(math.floor(fetched[-1]) + TIMERS.ttl_s + late_s)
        within = sum(0 <= at_s < for_s for at_s in fetched)
        low, high, _ = caching.fetches(
            TIMERS, resolver(), for_s=for_s, every_s=late_s, primed=first_s < 0
        )

        assert low <= within <= high

    def test_are_fewer_where_a_clamp_holds(self) -> None:
        _, high, _ = caching.fetches(
            TIMERS, resolver(behaviour="clamping"), for_s=20, every_s=0
        )
        assert high == 3

    def test_who_asks_rarely_makes_lives_longer(self) -> None:
        low, _, _ = caching.fetches(TIMERS, resolver(), for_s=21, every_s=5)
        assert low == 2


class TestLeastDraws:
    def test_are_those_of_all_resolvers(self) -> None:
        several = (resolver(), resolver(behaviour="clamping"))
        assert caching.least_draws(TIMERS, several, for_s=21, every_s=0) == 5 + 2


class TestAlwaysAsked:
    @pytest.mark.parametrize("answers", [1, 4, 8])
    @pytest.mark.parametrize("ttl_s", [2, 4, 60])
    @pytest.mark.parametrize("lives", [0.5, 2.5])
    def test_each_answer_is_fetched_at_first_and_once_per_life(
        self, answers: int, ttl_s: int, lives: float
    ) -> None:
        timers = TIMERS.model_copy(update={"ttl_s": ttl_s})
        number, _ = caching.always_asked(
            timers, resolver(), for_s=lives * ttl_s, answers=answers
        )
        assert number == answers * (1 + int(lives))

    @pytest.mark.parametrize("answers", [1, 4, 8])
    def test_subnets_cost_as_many_times_as_there_are_answers(
        self, answers: int
    ) -> None:
        many, one = (
            caching.always_asked(TIMERS, resolver(), for_s=10, answers=n)[0]
            for n in (answers, 1)
        )
        assert many / one == answers


class TestNoneCached:
    def bound(self, *, well_s: float) -> tuple[float, float]:
        """Return what is seen at least and at most, to within 0.25 s and a pace."""
        bound = caching.none_cached(12, resolver(), well_s=well_s, every_s=0.1)
        return bound.low_s, bound.high_s

    def test_is_the_negative_ttl(self) -> None:
        assert self.bound(well_s=5) == pytest.approx((10.65, 12.45))

    def test_is_learned_again_while_the_authorities_say_so(self) -> None:
        assert self.bound(well_s=11.5) == pytest.approx((10.65, 23.95))


class TestAfterCorrection:
    def test_a_wrong_answer_lives_on_for_a_whole_life(self) -> None:
        assert self.held(failing=(0, 20), corrected=(3, 5)) == (0, 5.5)

    def test_no_longer_than_it_did_harm(self) -> None:
        assert self.held(failing=(7, 8), corrected=(3, 5)) == (2, 5)

    def test_an_authority_that_knows_better_may_give_it_for_a_while(self) -> None:
        held = self.held(failing=(0, 20), corrected=(3, 5), publish_s=1)
        assert held == (0, 6.5)

    def held(
        self,
        *,
        failing: tuple[float, float],
        corrected: tuple[float, float],
        publish_s: float = 0.0,
    ) -> tuple[float, float]:
        bound = caching.after_correction(
            TIMERS,
            resolver(),
            failing=Bound(low_s=failing[0], high_s=failing[1], why=""),
            corrected=Bound(low_s=corrected[0], high_s=corrected[1], why=""),
            publish_s=publish_s,
            interval_s=0.5,
        )
        return bound.low_s, bound.high_s


class TestGreatestPart:
    def part(self, for_s: float) -> tuple[float, float]:
        low, high, _ = caching.greatest_part(
            TIMERS, resolver(), age_s=2, for_s=for_s, interval_s=0.5
        )
        return low * for_s, high * for_s

    def test_is_a_whole_life_where_there_is_time_for_it(self) -> None:
        assert self.part(20) == (pytest.approx(2.5), pytest.approx(5.5))

    def test_is_what_is_left_of_the_first_in_a_short_time(self) -> None:
        # At most 3 s are left of the first, and a second one may last for all 4.
        assert self.part(4) == (pytest.approx(0.5), pytest.approx(4.0))

    def test_is_everything_where_one_answer_outlives_the_time(self) -> None:
        long = TIMERS.model_copy(update={"ttl_s": 60})
        low, high, why = caching.greatest_part(
            long, resolver(), age_s=2, for_s=20, interval_s=0.5
        )
        assert (low, high) == (1, 1)
        assert "outlives" in why


class TestUndivided:
    def share(self, ttl_s: int, for_s: float, resolvers: int = 4) -> tuple[float, ...]:
        low, high, _ = caching.undivided(
            TIMERS.model_copy(update={"ttl_s": ttl_s}),
            [resolver()] * resolvers,
            regions=2,
            age_s=2,
            for_s=for_s,
            every_s=0.25,
        )
        return low, high

    def test_is_all_while_nobody_draws_again(self) -> None:
        assert self.share(24, 20) == (1, 1)

    def test_is_what_chance_leaves_alike_of_many_draws(self) -> None:
        assert self.share(2, 16) == (0, 0.5)  # one of 64, each of four
        assert self.share(2, 60) == (0, 0)

    def test_is_anything_after_a_few(self) -> None:
        assert self.share(4, 4) == self.share(24, 22) == (0, 1)


class TestFirstQuestions:
    def bound(self, of: Resolver, *, nearest: bool = True) -> Bound:
        return caching.first_questions(of, nearest=nearest, round_trip_s=0.08)

    @pytest.mark.parametrize(
        ("daemon", "least_s"), [("unbound", 0.05), ("recursor", 1.5), ("bind", 0.8)]
    )
    def test_are_dear_where_the_nearest_provider_is_dead(
        self, daemon: str, least_s: float
    ) -> None:
        bound = self.bound(resolver(daemon))
        assert bound.low_s == least_s < bound.high_s

    def test_may_cost_nothing_where_it_lives_or_the_answer_is_stale(self) -> None:
        assert self.bound(resolver(), nearest=False).low_s == 0
        assert self.bound(resolver(behaviour="serve-stale")).low_s == 0


class TestOutlived:
    def high(self, for_s: float) -> float:
        return caching.outlived(
            TIMERS, resolver("recursor"), for_s=for_s, interval_s=0.5, round_trip_s=0.1
        )[1]

    def test_is_what_no_client_is_patient_enough_for_once_per_fetch(self) -> None:
        # Up to 11 fetches, each with 0.9 s in which whoever asks gives up before.
        assert self.high(40) == pytest.approx(11 * 2 / 78)

    def test_is_never_more_than_everything(self) -> None:
        assert self.high(2) == self.high(1) == 1


class TestAskedAgain:
    @pytest.mark.parametrize("daemon", ["unbound", "bind", "recursor"])
    @pytest.mark.parametrize("behaviour", ["honest", "serve-stale", "clamping"])
    def test_is_once_within_a_life_of_all_copies_and_a_wait(
        self, daemon: str, behaviour: str
    ) -> None:
        who = resolver(daemon, behaviour)
        once_s = caching.asked_once_s(TIMERS, who, interval_s=0.5)

        assert self.low(who, once_s + 0.1) == 1
        assert self.low(who, once_s - 0.1) == 0

    def test_a_copy_of_a_stale_answer_may_live_longer_than_a_fresh_one(self) -> None:
        fresh, stale = (
            caching.asked_once_s(TIMERS, resolver("bind", behaviour), interval_s=0.5)
            for behaviour in ("honest", "serve-stale")
        )
        assert stale - fresh == 1

    def low(self, who: Resolver, for_s: float) -> int:
        return caching.asked_again(TIMERS, who, for_s=for_s, interval_s=0.5)[0]


class TestGivesUp:
    def test_every_provider_is_tried(self) -> None:
        assert caching.gives_up_s(resolver("recursor"), providers=2) == 3.0


class TestLateStaleCost:
    def cost(self, of: Resolver, ttl_s: int = 6) -> tuple[float, float]:
        timers = TIMERS.model_copy(update={"ttl_s": ttl_s})
        low, high, _ = caching.late_stale_cost(
            timers, of, for_s=10, clients=2, interval_s=0.5
        )
        return low, high

    def test_is_nothing_where_stale_answers_come_at_once(self) -> None:
        assert self.cost(resolver(behaviour="serve-stale")) == (0, 0)

    def test_is_something_but_not_all_where_the_resolver_tries_first(self) -> None:
        # At least two attempts of one client; all of both, three times, at most.
        low, high = self.cost(resolver(behaviour="serve-stale", stale_after_s=1.8))
        assert (low, high) == (2 / 40, pytest.approx(0.69))

    def test_may_be_nothing_while_a_vain_try_is_remembered(self) -> None:
        late = resolver(behaviour="serve-stale", stale_after_s=1.8)
        assert self.cost(late, ttl_s=4)[0] == 0

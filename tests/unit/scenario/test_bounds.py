"""Rules of the arithmetic behind every bound."""

from __future__ import annotations

import pytest

from lab.scenario import bounds
from lab.scenario.model import Bound, FaultKind
from lab.topology.model import Provider, Resolver
from lab.topology.timers import Bfd, Bgp, Check, Timers

CHECK = Check(interval_s=2, timeout_s=1, threshold=2)
TIMERS = Timers(ttl_s=12, check=CHECK, clamp_s=24, stale_answer_ttl_s=6, pin_s=36)
DETECTED = Bound(low_s=0, high_s=6, why="")


def resolver(behaviour: str = "honest", daemon: str = "unbound") -> Resolver:
    raw = {"name": "r", "daemon": daemon, "behaviour": behaviour}
    return Resolver.model_validate({**raw, "address": "198.18.0.1"})


def provider(daemon: str) -> Provider:
    raw = {"name": daemon, "daemon": daemon, "transit": "t"}
    return Provider.model_validate({**raw, "address": "198.18.0.1"})


def recovery(
    of: Resolver,
    *,
    age_s: float = 4,
    detected: Bound = DETECTED,
    timers: Timers = TIMERS,
    way_s: float = 0.0,
    asking_s: float = 0.0,
) -> tuple[float, float]:
    bound = bounds.cache_recovery(
        timers,
        of,
        detected=detected,
        age_s=age_s,
        interval_s=0.5,
        way_s=way_s,
        asking_s=asking_s,
    )
    return bound.low_s, bound.high_s


class TestBfdDetection:
    def test_last_packet_came_up_to_one_interval_before_the_silence(self) -> None:
        bound = bounds.bfd_detection(Bfd(interval_ms=300, multiplier=3))

        assert (bound.low_s, bound.high_s) == pytest.approx((0.6, 0.9))
        assert "3 x 0.3 s" in bound.why


class TestHoldExpiry:
    def test_the_last_message_came_up_to_a_third_of_the_hold_time_before(self) -> None:
        bound = bounds.hold_expiry(Bgp(hold_s=12))

        assert (bound.low_s, bound.high_s) == pytest.approx((9 - 4, 12))

    def test_it_alone_is_there_without_bfd(self) -> None:
        plain = TIMERS.model_copy(update={"bfd": Bfd(enabled=False)})

        assert bounds.silence(plain) == bounds.hold_expiry(plain.bgp)
        assert bounds.silence(TIMERS) == bounds.bfd_detection(TIMERS.bfd)


class TestCheckDetection:
    def test_gdnsd_counts_failures_and_publishes_a_second_later(self) -> None:
        bound = bounds.check_detection("gdnsd", CHECK)

        assert bound.low_s == (2 - 1) * 2 - bounds.IN_FLIGHT_S
        assert bound.high_s == 2 * 2 + 1 + 1

    def test_pdns_decides_by_one_failure_whatever_the_threshold(self) -> None:
        bound = bounds.check_detection("pdns", CHECK)

        assert (bound.low_s, bound.high_s) == (0, 2 + 1)
        assert "one failed check" in bound.why

    def test_a_check_of_a_far_region_was_under_way_for_longer(self) -> None:
        near, far = (
            bounds.check_detection("gdnsd", CHECK, round_trip_s=round_trip_s)
            for round_trip_s in (0, 0.08)
        )

        assert near.low_s - far.low_s == pytest.approx(2 * 0.08)
        assert near.high_s == far.high_s

    def test_a_silent_death_leaves_the_first_check_without_a_reply_for_a_while(
        self,
    ) -> None:
        def low(daemon: str, silent_s: float, round_trip_s: float = 0.0) -> float:
            bound = bounds.check_detection(
                daemon, CHECK, round_trip_s=round_trip_s, silent_s=silent_s
            )
            return bound.low_s

        assert low("pdns", 0.4) == 0.4  # it begins when the route is gone
        assert low("pdns", 9) == 1 - bounds.IN_FLIGHT_S  # else it was under way
        assert low("pdns", 9, 0.08) == 1 - bounds.IN_FLIGHT_S - 2 * 0.08
        # The second one of two begins long after the route is gone, or hangs too.
        assert low("gdnsd", 0.4) == low("gdnsd", 0) == 2 - bounds.IN_FLIGHT_S
        assert low("gdnsd", 9) == 2 - bounds.IN_FLIGHT_S + 1

    @pytest.mark.parametrize("kind", FaultKind)
    def test_only_silence_leaves_checks_without_a_reply(self, kind: FaultKind) -> None:
        waits = bounds.unanswered_s(TIMERS, kind) == bounds.silence(TIMERS).low_s
        assert waits is (kind in bounds.SILENT)

    def test_no_detection_before_the_fault(self) -> None:
        single = Check(interval_s=2, timeout_s=1, threshold=1)

        assert bounds.check_detection("gdnsd", single).low_s == 0


class TestDetection:
    def test_spans_the_fastest_and_the_slowest_provider(self) -> None:
        bound = bounds.detection((provider("pdns"), provider("gdnsd")), CHECK)

        assert (bound.low_s, bound.high_s) == (0, 6)
        assert "pdns decides after 0 s" in bound.why
        assert "gdnsd after 6 s" in bound.why


class TestLifetime:
    def test_clamping_resolver_keeps_answers_for_its_minimum(self) -> None:
        assert bounds.lifetime_s(TIMERS, resolver("clamping")) == 24

    def test_a_minimum_below_the_ttl_changes_nothing(self) -> None:
        low = TIMERS.model_copy(update={"clamp_s": 5})

        assert bounds.lifetime_s(low, resolver("clamping")) == 12

    def test_others_follow_the_ttl(self) -> None:
        assert bounds.lifetime_s(TIMERS, resolver("serve-stale")) == 12


class TestCacheRecovery:
    def test_honest_clients_wait_for_the_time_left(self) -> None:
        assert recovery(resolver()) == (8 - 1 - bounds.PRIMING_S, 8 + 1 + 0.5)

    def test_recursor_drops_an_answer_up_to_a_second_early(self) -> None:
        low, high = recovery(resolver(daemon="recursor"))

        assert (low, high) == (8 - 1 - bounds.PRIMING_S, 8 + 1 + 0.5)

    def test_clamped_clients_wait_for_the_clamp(self) -> None:
        low, high = recovery(resolver("clamping"))

        assert (low, high) == (20 - 1 - bounds.PRIMING_S, 20 + 1 + 0.5)

    def test_stale_answer_adds_its_ttl_for_whoever_asks_first(self) -> None:
        assert recovery(resolver("serve-stale"))[1] == 9.5 + 6 + 0.5

    def test_a_question_that_travels_is_early_and_its_answer_late(self) -> None:
        low, high = recovery(resolver(), way_s=0.04, asking_s=0.16)

        assert low == pytest.approx(8 - 1 - bounds.PRIMING_S - 0.04)
        assert high == pytest.approx(8 + 1 + 0.5 + 0.16)

    def test_one_that_is_under_way_at_the_decision_began_earlier(self) -> None:
        slow = Bound(low_s=20, high_s=26, why="")

        low, _ = recovery(resolver(), detected=slow, way_s=0.04, asking_s=0.16)

        assert low == pytest.approx(20 - 0.16)

    def test_each_life_of_a_dead_answer_begins_as_late(self) -> None:
        near, far = (recovery(resolver(), age_s=10, asking_s=s) for s in (0, 0.08))

        assert far[1] - near[1] == pytest.approx(2 * 0.08)

    def test_dead_answer_fetched_again_before_detection_lives_once_more(self) -> None:
        low, high = recovery(resolver(), age_s=10)

        assert low == 12 - 10 - 1 - bounds.PRIMING_S
        assert high == pytest.approx(2 + 1 + 0.5 + 12 + 1 + 0.5)

    def test_no_recovery_before_the_fastest_detection(self) -> None:
        slow = Bound(low_s=20, high_s=26, why="")

        low, high = recovery(resolver(), detected=slow)

        assert low == 20
        assert high <= 26 + 12 + 1 + 0.5

    @pytest.mark.parametrize("age_s", range(1, 12))
    @pytest.mark.parametrize("detected_s", [3, 6, 14, 40])
    def test_never_before_ttl_left_nor_after_detection_ttl_and_interval(
        self, age_s: int, detected_s: int
    ) -> None:
        detected = Bound(low_s=0, high_s=detected_s, why="")

        low, high = recovery(resolver(), age_s=age_s, detected=detected)

        assert low >= 12 - age_s - 1 - bounds.PRIMING_S
        assert high <= detected_s + 12 + 0.5 + 1  # a second for whole-second TTLs

    @pytest.mark.parametrize("daemon", ["unbound", "recursor"])
    def test_shortest_ttl_has_a_bound_too(self, daemon: str) -> None:
        shortest = TIMERS.model_copy(update={"ttl_s": 1})

        low, high = recovery(resolver(daemon=daemon), age_s=0.5, timers=shortest)

        assert 0 <= low < high <= 6 + 1 + 1 + 0.5 + 1


class TestStaleRecovery:
    def test_slowest_client_got_the_stale_answer_at_the_end(self) -> None:
        everyone = Bound(low_s=7, high_s=16, why="")

        bound = bounds.stale_recovery(TIMERS, resolver(), everyone)

        assert (bound.low_s, bound.high_s) == (13, 16)

    @pytest.mark.parametrize(
        ("daemon", "ttl_s", "told_s"),
        [
            ("unbound", 12, 6),
            ("unbound", 2, 2),
            ("recursor", 12, 12),
            ("recursor", 60, bounds.RECURSOR_STALE_S),
            ("bind", 2, 6),
        ],
    )
    def test_each_brand_has_a_ttl_of_its_own_for_it(
        self, daemon: str, ttl_s: int, told_s: int
    ) -> None:
        timers = TIMERS.model_copy(update={"ttl_s": ttl_s})
        stale = resolver("serve-stale", daemon=daemon)

        assert bounds.stale_answer_ttl_s(timers, stale) == told_s


class TestPinnedRecovery:
    def pinned(self, resolver_recovers: Bound) -> tuple[float, float]:
        bound = bounds.pinned_recovery(
            TIMERS, resolver_recovers, age_s=4, interval_s=0.5
        )
        return bound.low_s, bound.high_s

    def test_pin_ends_after_the_resolver_recovered(self) -> None:
        assert self.pinned(Bound(low_s=7, high_s=10, why="")) == (
            32 - bounds.PRIMING_S,
            32 + 0.5 + 0.5,
        )

    def test_dead_answer_is_pinned_again_if_the_resolver_still_holds_it(self) -> None:
        low, high = self.pinned(Bound(low_s=40, high_s=45, why=""))

        assert low == 32 - bounds.PRIMING_S + 36
        assert high == 32 + 0.5 + 0.5 + 36 + 0.5

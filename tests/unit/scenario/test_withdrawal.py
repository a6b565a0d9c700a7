"""Rules of when a dead region's routes go."""

from __future__ import annotations

import pytest

from lab.scenario import withdrawal
from lab.scenario.model import FaultKind
from lab.topology.timers import Announce, Check, CheckerDeath, Depth, Timers

CHECK = Check(interval_s=2, timeout_s=1, threshold=2)
TIMERS = Timers(ttl_s=12, check=CHECK, clamp_s=24, stale_answer_ttl_s=6, pin_s=36)


class TestAnycastRecovery:
    def test_silent_death_takes_bfd_and_at_most_one_second(self) -> None:
        bound = withdrawal.anycast_recovery(TIMERS, FaultKind.POWER_OFF, interval_s=0.2)

        assert (bound.low_s, bound.high_s) == pytest.approx((0.4, 1.0))

    def test_crash_may_be_seen_at_once(self) -> None:
        bound = withdrawal.anycast_recovery(TIMERS, FaultKind.CRASH, interval_s=0.2)

        assert (bound.low_s, bound.high_s) == pytest.approx((0.0, 1.0))

    def test_what_is_under_way_is_early_and_news_is_late(self) -> None:
        bound = withdrawal.anycast_recovery(
            TIMERS, FaultKind.POWER_OFF, interval_s=0.2, way_s=0.04, asking_s=0.08
        )

        assert (bound.low_s, bound.high_s) == pytest.approx((0.28, 1.04))

    def test_a_dead_service_is_withdrawn_after_so_many_bad_looks(self) -> None:
        bound = withdrawal.anycast_recovery(TIMERS, FaultKind.APP_DEAD, interval_s=0.2)

        looks = withdrawal.health_withdrawal(TIMERS.announce)
        assert (looks.low_s, looks.high_s) == pytest.approx((0.4, 0.85))
        assert (bound.low_s, bound.high_s) == pytest.approx((0.4, 1.35))
        assert "3 bad looks in a row" in bound.why


class TestIsWithdrawn:
    @pytest.mark.parametrize("depth", list(Depth))
    def test_whoever_looks_so_far_down_sees_all_that_is_above(
        self, depth: Depth
    ) -> None:
        depths = list(Depth)
        seen = [d for d in depths if withdrawal.is_withdrawn(Announce(depth=depth), d)]

        assert seen == depths[: depths.index(depth) + 1]

    def test_what_is_not_heeded_withdraws_nothing(self) -> None:
        unbound = Announce(bound=False, depth=Depth.DEEP)

        assert not any(withdrawal.is_withdrawn(unbound, dead) for dead in Depth)


class TestGuardWithdrawal:
    def test_the_last_sign_was_up_to_an_interval_and_a_look_before(self) -> None:
        guarded = Announce(interval_ms=300, on_checker_death=CheckerDeath.WITHDRAW)

        bound = withdrawal.guard_withdrawal(guarded)

        assert (bound.low_s, bound.high_s) == pytest.approx((0.75, 1.65))

    def test_nobody_guards_what_stays_as_it_is(self) -> None:
        with pytest.raises(ValueError, match="no guard"):
            withdrawal.guard_withdrawal(Announce())

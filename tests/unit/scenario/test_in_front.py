"""Rules of when a balancer in front of the regions takes one out."""

from __future__ import annotations

import pytest

from lab.scenario import in_front
from lab.scenario.bounds import IN_FLIGHT_S
from lab.topology.timers import Bfd, GlobalCheck
from tests.unit.scenario.test_bounds import TIMERS


class TestDetection:
    def bound(self, **timers: object) -> tuple[float, float]:
        looks = GlobalCheck(interval_ms=100, timeout_ms=300, fall=3)
        changed = TIMERS.model_copy(update={"global_check": looks, **timers})
        found = in_front.detection(changed, round_trip_s=0.08)
        return found.low_s, found.high_s

    def test_each_look_hangs_to_its_timeout_or_fails_once_the_route_is_gone(
        self,
    ) -> None:
        low, high = self.bound()

        assert low == pytest.approx(0.3 + 2 * 0.1 - 0.08)
        assert high == pytest.approx(3 * 0.4 + 0.08 + IN_FLIGHT_S)

    def test_a_route_that_goes_before_the_first_timeout_ends_that_look(self) -> None:
        hasty = Bfd(interval_ms=50, multiplier=3)

        assert self.bound(bfd=hasty)[0] == pytest.approx(0.1 + 2 * 0.1 - 0.08)

from __future__ import annotations

import pytest

from lab.scenario.crowd import ratio
from lab.scenario.model import Bound


class TestRatio:
    def test_divides_slowest_by_fastest_and_fastest_by_slowest(self) -> None:
        slow, fast = (
            Bound(low_s=8, high_s=10, why=""),
            Bound(low_s=0.4, high_s=1, why=""),
        )

        low, high, _ = ratio(slow, fast, resolution_s=0.2)

        assert (low, high) == pytest.approx((8, 25))

    def test_nothing_faster_than_the_pace_counts(self) -> None:
        slow, fast = Bound(low_s=8, high_s=10, why=""), Bound(low_s=0, high_s=1, why="")

        assert ratio(slow, fast, resolution_s=0.2)[1] == pytest.approx(50)

"""Bounds that chance stays within, and lies do not."""

from __future__ import annotations

import random
from collections import Counter
from statistics import NormalDist

import pytest

from lab.scenario.chance import (
    ALPHA,
    SIGMAS,
    draws_for,
    fullest,
    longest_miss,
    share_bounds,
)


def test_a_run_of_misses_is_as_rare_as_any_other_lie() -> None:
    missed = longest_miss(0.5)

    assert 0.5**missed <= ALPHA < 0.5 ** (missed - 1)


def test_standard_deviations_are_those_of_the_normal_distribution() -> None:
    assert pytest.approx(ALPHA) == 2 * (1 - NormalDist().cdf(SIGMAS))


class TestFullest:
    def test_holds_what_chance_makes_of_many_windows(self) -> None:
        draw, most = random.Random(4), fullest(1 / 8, 40, windows=8)
        for _ in range(100):
            filled = Counter(draw.randrange(8) for _ in range(40))
            assert 40 / 8 <= max(filled.values()) <= most < 40

    def test_is_more_for_more_windows_and_never_more_than_all(self) -> None:
        assert fullest(0.1, 40, windows=1) < fullest(0.1, 40, windows=1000)
        assert fullest(0.9, 3, windows=1000) == 3


class TestShareBounds:
    @pytest.mark.parametrize("share", [0.1, 1 / 3, 0.5, 0.9])
    def test_hold_what_chance_makes_of_the_truth(self, share: float) -> None:
        draw = random.Random(4)
        low, high = share_bounds(share, 500)
        for _ in range(100):
            seen = sum(draw.random() < share for _ in range(500)) / 500
            assert low <= seen <= high

    def test_exclude_equal_weights_where_others_were_published(self) -> None:
        low, _ = share_bounds(0.9, 100)
        assert low > 0.5

    def test_are_narrower_for_more_draws(self) -> None:
        few, many = share_bounds(0.5, 10), share_bounds(0.5, 1000)
        assert few[0] < many[0] < 0.5 < many[1] < few[1]

    def test_so_many_draws_hold_so_many_hits(self) -> None:
        draws = draws_for(5, 0.5)

        assert share_bounds(0.5, draws)[0] * draws >= 5
        assert share_bounds(0.5, draws - 1)[0] * (draws - 1) < 5
        assert draws_for(5, 0.9) < draws

    def test_stay_within_none_and_all(self) -> None:
        assert share_bounds(0.5, 3) == (0, 1)

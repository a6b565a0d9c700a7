"""Rules of `lab.live.faults` that need no lab."""

from __future__ import annotations

from lab.live.faults import Effect, effect_of


class TestEffectOf:
    def test_it_is_the_latest_end_back_to_the_earliest_beginning(self) -> None:
        told = [
            {"before_ns": 10, "after_ns": 12},
            {"before_ns": 11, "after_ns": 19},
        ]

        assert effect_of(told) == Effect(at_ns=19, uncertainty_ns=9)

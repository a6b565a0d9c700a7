"""Rules of a declared capacity; the clock is an argument."""

from __future__ import annotations

from lab.backend.capacity import Capacity, Line

S = 1_000_000_000


def admitted(capacity: Capacity, *, rate_rps: int, from_s: int, for_s: int) -> int:
    """Return how many of evenly spaced requests are admitted."""
    moments = range(from_s * S, (from_s + for_s) * S, S // rate_rps)
    return sum(capacity.admits(moment) for moment in moments)


class TestCapacity:
    def test_the_declared_rate_is_admitted_for_ever(self) -> None:
        capacity = Capacity(400, now_ns=0)

        assert admitted(capacity, rate_rps=400, from_s=0, for_s=20) == 8000

    def test_a_higher_rate_is_cut_to_the_declared_one(self) -> None:
        capacity = Capacity(400, now_ns=0)
        admitted(capacity, rate_rps=800, from_s=0, for_s=2)

        assert abs(admitted(capacity, rate_rps=800, from_s=2, for_s=5) - 2000) <= 1

    def test_a_burst_of_one_second_s_worth_passes(self) -> None:
        capacity = Capacity(400, now_ns=0)

        assert sum(capacity.admits(0) for _ in range(500)) == 400

    def test_rest_saves_up_no_more_than_one_second_s_worth(self) -> None:
        capacity = Capacity(400, now_ns=0)

        assert sum(capacity.admits(3600 * S) for _ in range(500)) == 400


class TestLine:
    def test_nobody_waits_at_the_declared_rate(self) -> None:
        line = Line(100)

        assert {line.wait_ns(k * S // 100) for k in range(500)} == {0}

    def test_each_waits_for_those_before_wanted_or_not(self) -> None:
        line = Line(100)
        waits = [line.wait_ns(k * S // 200) for k in range(401)]

        assert waits[:3] == [0, S // 200, S // 100]
        assert waits[-1] == 2 * S  # twice the rate for two seconds

    def test_a_rest_empties_it(self) -> None:
        line = Line(100)
        for _ in range(100):
            line.wait_ns(0)

        assert line.wait_ns(S) == 0

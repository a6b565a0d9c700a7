"""Rules of the agent's figures."""

from __future__ import annotations

from lab.agent.lag import Lag

MS = 1_000_000


class TestLag:
    def test_without_attempts_there_is_no_lag(self) -> None:
        assert Lag().window() == {
            "attempts": 0,
            "lag_ms_p50": 0.0,
            "lag_ms_p99": 0.0,
            "lag_ms_max": 0.0,
        }

    def test_percentiles_are_of_the_lags_added(self) -> None:
        lag = Lag()
        for ms in range(1, 101):
            lag.add(ms * MS)

        assert lag.total() == {
            "attempts": 100,
            "lag_ms_p50": 51.0,
            "lag_ms_p99": 100.0,
            "lag_ms_max": 100.0,
        }

    def test_a_window_starts_where_the_last_one_ended(self) -> None:
        lag = Lag()
        lag.add(5 * MS)
        lag.window()
        lag.add(1 * MS)

        assert lag.window()["lag_ms_max"] == 1.0
        assert lag.total()["attempts"] == 2

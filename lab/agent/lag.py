"""The agent's own punctuality: how late attempts start, as percentiles."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

Line = dict[str, object]
_US_PER_MS = 1000


class Lag:
    """Scheduling lags, in the window since the last report and in all."""

    def __init__(self) -> None:
        """Start with no attempt."""
        self._all = array("L")  # microseconds; some MB after an hour
        self._window_from = 0

    def add(self, lag_ns: int) -> None:
        """Count an attempt that started that late."""
        self._all.append(max(0, lag_ns) // 1000)

    def window(self) -> Line:
        """Return the figures since the last call."""
        lags = self._all[self._window_from :]
        self._window_from = len(self._all)
        return figures(lags)

    def total(self) -> Line:
        """Return the figures since the start."""
        return figures(self._all)


def figures(lags_us: array[int]) -> Line:
    """Return how many attempts started, and the p50, p99 and maximum of their lag."""
    ranked = sorted(lags_us) or [0]
    return {
        "attempts": len(lags_us),
        "lag_ms_p50": percentile(ranked, 50) / _US_PER_MS,
        "lag_ms_p99": percentile(ranked, 99) / _US_PER_MS,
        "lag_ms_max": ranked[-1] / _US_PER_MS,
    }


def percentile(ranked: Sequence[float], share: int) -> float:
    """Return the percentile of sorted values, of which there is at least one."""
    return ranked[min(len(ranked) - 1, len(ranked) * share // 100)]

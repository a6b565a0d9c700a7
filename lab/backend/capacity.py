"""A declared capacity: what is asked beyond it is refused. Pure; the clock is given."""

from __future__ import annotations

_NS_PER_S = 1_000_000_000


class Capacity:
    """A token bucket that holds one second's worth of requests.

    So a burst passes, a rate above the declared one does not.
    """

    def __init__(self, rate_rps: float, *, now_ns: int) -> None:
        """Start with a full bucket."""
        self._rate_rps = rate_rps
        self._tokens = rate_rps
        self._filled_ns = now_ns

    def admits(self, now_ns: int) -> bool:
        """Take a token, if there is one, for a request that arrives now."""
        gained = (now_ns - self._filled_ns) * self._rate_rps / _NS_PER_S
        self._tokens = min(self._rate_rps, self._tokens + gained)
        self._filled_ns = now_ns
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

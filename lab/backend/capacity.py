"""A declared capacity, and what becomes of more. Pure; the clock is given."""

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


class Line:
    """A line without end: each request waits for those before it, wanted or not."""

    def __init__(self, rate_rps: float) -> None:
        """Start with nobody in it."""
        self._each_ns = _NS_PER_S / rate_rps
        self._free_ns = 0.0

    def wait_ns(self, now_ns: int) -> int:
        """Join the line now and return how long it is."""
        begins_ns = max(self._free_ns, now_ns)
        self._free_ns = begins_ns + self._each_ns
        return int(begins_ns - now_ns)

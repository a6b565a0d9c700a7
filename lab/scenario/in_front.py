"""How long a balancer in front of the regions takes to notice a dead one. Pure."""

from __future__ import annotations

from lab.scenario.bounds import IN_FLIGHT_S, silence
from lab.scenario.model import Bound
from lab.topology.timers import Timers


def detection(timers: Timers, *, round_trip_s: float) -> Bound:
    """Return when a balancer in front of the regions takes one out that fell silent.

    A look begins an interval after the last one has ended, and hangs to its timeout;
    once the route is gone it may fail at once.

    Args:
        timers: Its looks', and those by which the route goes.
        round_trip_s: From the balancer to the region and back.

    Source:
        The manual of Envoy 1.40, "Health checking"; measured.
    """
    check, gone = timers.global_check, silence(timers)
    interval_s, timeout_s = check.interval_ms / 1000, check.timeout_ms / 1000
    first_s = min(timeout_s, gone.low_s)
    low = max(0.0, first_s + (check.fall - 1) * interval_s - round_trip_s)
    high = check.fall * (interval_s + timeout_s) + round_trip_s + IN_FLIGHT_S
    why = (
        f"{check.fall} failed looks in a row, {interval_s:g} s between them, each up "
        f"to {timeout_s:g} s: {check.fall} x {interval_s + timeout_s:g} s if the last "
        f"good one had just ended; {IN_FLIGHT_S:g} s for the looks themselves"
    )
    return Bound(low_s=low, high_s=high, why=why)

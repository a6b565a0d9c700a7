"""Which part of an outage each cause accounts for, where DNS alone moves users. Pure.

The causes are told apart as `lab.judge.causes` does: until the last provider has
decided it is detection, then whoever still holds the answer.
"""

from __future__ import annotations

from lab.scenario import bounds, forecast
from lab.scenario.model import Bound, Cause, Cohort, Fault
from lab.topology.distance import farthest_s
from lab.topology.model import Topology

#: The TTL that an answer shows tells when it was fetched to this many seconds.
_SHOWN_S = 1.0


def part(
    topology: Topology, cohort: Cohort, fault: Fault, cause: Cause, *, back: Bound
) -> Bound:
    """Return how many seconds of a client's outage one cause accounts for.

    Args:
        topology: Of the lab.
        cohort: Users of a health-checked name.
        fault: At a set age of the caches.
        cause: One that DNS knows.
        back: When a client is back for good.

    Raises:
        ValueError: The cause is another one, or the fault comes at no set age.
    """
    if fault.at_age_s is None:
        raise ValueError(f"{fault.label} comes at no set age of the caches")
    timers, once_s = topology.timers_of(cohort.qname), cohort.interval_ms / 1000
    resolver = forecast.resolver_named(topology, cohort.resolver)
    decided = _decided(topology, cohort, once_s)
    left_s = timers.ttl_s - fault.at_age_s
    # From the first attempt after that to the recovery.
    match cause:
        case Cause.DETECTION:
            return Bound(
                low_s=min(decided.low_s, back.low_s),
                high_s=min(decided.high_s, back.high_s),
                why=f"until the last provider has decided: {decided.why}",
            )
        case Cause.RESOLVER_CACHE:
            since = decided
            why = "from then on, while the answer is cached"
        case Cause.RESOLVER_CLAMP:
            since = Bound(
                low_s=left_s + 1 - bounds.PRIMING_S - _SHOWN_S,
                high_s=left_s + 1 + once_s,
                why="",
            )
            why = f"once the TTL is over, {left_s:g} s after the death"
        case Cause.CLIENT_PIN:
            since = Bound(
                low_s=left_s - bounds.PRIMING_S - _SHOWN_S,
                high_s=left_s + once_s,
                why="",
            )
            why = f"once the TTL is over, {left_s:g} s after the death"
        case Cause.SERVE_STALE:
            stale_s = bounds.stale_answer_ttl_s(timers, resolver)
            late_s = once_s + forecast.asking_s(topology, cohort) + bounds.IN_FLIGHT_S
            return Bound(
                low_s=stale_s,
                high_s=stale_s + late_s,
                why=f"told once more for {stale_s} s, then one attempt each "
                f"{once_s:g} s",
            )
        case _:
            raise ValueError(f"{cause} is nothing that DNS knows of")
    return Bound(
        low_s=max(0.0, back.low_s - max(since.high_s, decided.low_s)),
        high_s=max(0.0, back.high_s - max(since.low_s, decided.low_s)),
        why=f"{why}; until {back.why}",
    )


def _decided(topology: Topology, cohort: Cohort, once_s: float) -> Bound:
    """Return when the first attempt after the last provider's decision begins."""
    check = topology.check_of(cohort.qname)
    each = [
        bounds.check_detection(p.daemon, check, round_trip_s=farthest_s(topology))
        for p in topology.zone.providers
    ]
    slowest = max(each, key=lambda bound: bound.high_s)
    return Bound(
        low_s=max(bound.low_s for bound in each),
        high_s=slowest.high_s + once_s,
        why=slowest.why,
    )

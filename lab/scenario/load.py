"""How much is asked of a region, and how much it serves. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lab.scenario.model import Cohort
from lab.topology.model import Region

#: A region without headroom uses this much of its capacity: full, but well.
FILLED = 0.9
#: How far a share may be from its closed form: buckets fill up in whole requests.
SHARE = 0.05


def capacity_rps(region: Region) -> int:
    """Return what the backends of a region serve together."""
    return sum(backend.capacity_rps for backend in region.backends)


def usual_rps(region: Region, headroom: float) -> float:
    """Return what is asked of a region that has so many times the capacity it needs."""
    return FILLED * capacity_rps(region) / headroom


def rate_rps(cohorts: Iterable[Cohort]) -> float:
    """Return how many requests these cohorts make in a second."""
    return sum(cohort.clients * 1000 / cohort.interval_ms for cohort in cohorts)


def excess(offered_rps: float, region: Region) -> float:
    """Return the share of what is asked of a region that is too much for it."""
    return max(0.0, 1 - capacity_rps(region) / offered_rps)

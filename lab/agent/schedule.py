"""When each client attempts: fixed before the first attempt, whatever happens then.

An open-loop schedule: a slow reply delays nothing, so a slow service cannot slow its
own measurement down. Pure; the clock is an argument.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Sequence

from lab.agent.plan import Cohort

_NS_PER_MS = 1_000_000


def offsets_ns(cohort: Cohort, *, seed: int) -> list[int]:
    """Return each client's first due time, in ns from the origin.

    The clients of a cohort are spread evenly over its interval; a phase drawn from
    `seed` and the cohort's name keeps cohorts from marching in step.
    """
    step = cohort.interval_ms * _NS_PER_MS / cohort.clients
    phase = random.Random(f"{seed}/{cohort.name}").random() * step
    return [int(phase + k * step) for k in range(cohort.clients)]


class Schedule:
    """The due times of all clients, in order.

    Clients are numbered through all cohorts, in the order of the plan.
    """

    def __init__(self, cohorts: Sequence[Cohort], *, seed: int, origin_ns: int) -> None:
        """Fix every due time from `origin_ns` on."""
        first = [
            (origin_ns + offset, cohort.interval_ms * _NS_PER_MS)
            for cohort in cohorts
            for offset in offsets_ns(cohort, seed=seed)
        ]
        self._heap = [(due, client, pace) for client, (due, pace) in enumerate(first)]
        heapq.heapify(self._heap)

    def due(self, now_ns: int) -> Iterator[tuple[int, int]]:
        """Yield (due time, client) of all that is due by now, and move on."""
        while self._heap and self._heap[0][0] <= now_ns:
            due, client, pace = self._heap[0]
            heapq.heapreplace(self._heap, (due + pace, client, pace))
            yield due, client

    def next_ns(self, default_ns: int) -> int:
        """Return the next due time, or the default if there are no clients."""
        return self._heap[0][0] if self._heap else default_ns

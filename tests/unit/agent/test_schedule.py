"""Rules of the open-loop schedule."""

from __future__ import annotations

import itertools

from lab.agent.plan import Behaviour, Cohort
from lab.agent.schedule import Schedule, offsets_ns

MS = 1_000_000


def cohort(name: str = "c", *, clients: int = 4, interval_ms: int = 200) -> Cohort:
    return Cohort(
        name=name,
        access="access-us",
        resolver="r",
        behaviour=Behaviour.FIRST_ADDRESS,
        qname="failover",
        clients=clients,
        interval_ms=interval_ms,
    )


class TestOffsets:
    def test_clients_are_spread_evenly_over_the_interval(self) -> None:
        offsets = offsets_ns(cohort(), seed=1)

        gaps = [b - a for a, b in itertools.pairwise(offsets)]
        assert all(abs(gap - 50 * MS) <= 1 for gap in gaps)
        assert 0 <= offsets[0] < 50 * MS

    def test_the_phase_depends_on_cohort_and_seed_alone(self) -> None:
        assert offsets_ns(cohort("a"), seed=1) == offsets_ns(cohort("a"), seed=1)
        assert offsets_ns(cohort("a"), seed=1) != offsets_ns(cohort("b"), seed=1)
        assert offsets_ns(cohort("a"), seed=1) != offsets_ns(cohort("a"), seed=2)


class TestSchedule:
    def test_a_client_is_due_at_every_interval_however_late_it_is_asked(self) -> None:
        one = cohort(clients=1)
        first = offsets_ns(one, seed=1)[0]
        schedule = Schedule([one], seed=1, origin_ns=0)

        due = list(schedule.due(first + 450 * MS))

        assert due == [(first, 0), (first + 200 * MS, 0), (first + 400 * MS, 0)]

    def test_nothing_is_due_twice(self) -> None:
        schedule = Schedule([cohort()], seed=1, origin_ns=0)

        assert len(list(schedule.due(199 * MS))) == 4
        assert list(schedule.due(199 * MS)) == []

    def test_cohorts_are_merged_in_order_of_time(self) -> None:
        schedule = Schedule([cohort("a"), cohort("b", clients=3)], seed=1, origin_ns=7)

        due = list(schedule.due(1000 * MS))

        assert due == sorted(due)
        assert {client for _, client in due} == set(range(7))

    def test_next_is_the_earliest_due_time(self) -> None:
        schedule = Schedule([cohort()], seed=1, origin_ns=0)

        assert schedule.next_ns(-1) == offsets_ns(cohort(), seed=1)[0]

    def test_without_clients_next_is_the_default(self) -> None:
        assert Schedule([], seed=1, origin_ns=0).next_ns(5) == 5

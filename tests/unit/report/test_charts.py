from __future__ import annotations

from dataclasses import replace

import pytest

from lab.history import Attempt, Event, EventKind, History, Outcome
from lab.report.charts import CAUSE_COLOURS, Mark, labels, marks, shares
from lab.report.groups import Group, groups
from lab.scenario.model import Cause
from tests.unit.report.stories import power_off, story

NS = 1_000_000_000
FAULT_NS = 10 * NS


def group(name: str = "cohort") -> Group:
    return Group(
        qname="failover",
        resolver="honest",
        behaviour="pinned",
        side="access-us",
        cohorts=(name,),
        clients=1,
        attempts=0,
        failed=0,
        unrecovered=0,
        recovery=None,
        causes=(),
        resolution_s=0.5,
    )


def attempt(at_s: float, outcome: Outcome) -> Attempt:
    at_ns = int(FAULT_NS + at_s * NS)
    return Attempt(
        client="cohort#1",
        cohort="cohort",
        due_ns=at_ns,
        start_ns=at_ns,
        end_ns=at_ns + NS // 100,
        outcome=outcome,
    )


def lane(*attempts: Attempt) -> list[float | None]:
    history = History(events=(), attempts=attempts)
    return shares([group()], history, fault_ns=FAULT_NS, end_s=2.0)[0]


def fault(*, uncertainty_s: float) -> Event:
    return Event(
        at_ns=FAULT_NS,
        kind=EventKind.FAULT,
        uncertainty_ns=int(uncertainty_s * NS),
        detail={"kind": "drain", "target": "us-east"},
    )


def route(at_s: float) -> Event:
    return Event(
        at_ns=int(FAULT_NS + at_s * NS), kind=EventKind.ROUTE, node="transit-a"
    )


def marks_of(*events: Event) -> list[Mark]:
    """Return the marks of routes."""
    seen = marks(events, power_off().topology, fault_ns=FAULT_NS, end_s=30)
    return [mark for mark in seen if mark.words == "the first route moves"]


class TestShares:
    def test_an_attempt_stands_until_the_next_one(self) -> None:
        shown = lane(attempt(0, Outcome.FAIL), attempt(0.5, Outcome.OK))

        assert shown[20:25] == [1.0] * 5
        assert shown[25:30] == [0.0] * 5

    def test_without_attempts_nobody_knows(self) -> None:
        shown = lane(attempt(0, Outcome.FAIL))

        assert shown[:20] == [None] * 20
        assert shown[31:] == [None] * 9

    def test_an_outcome_that_nobody_knows_is_a_gap(self) -> None:
        shown = lane(
            attempt(0, Outcome.FAIL), attempt(0.5, Outcome.INFO), attempt(1, Outcome.OK)
        )

        assert shown[24:31] == [1.0, *[None] * 5, 0.0]

    def test_other_cohorts_do_not_count(self) -> None:
        stranger = replace(attempt(0, Outcome.FAIL), cohort="other")

        assert set(lane(stranger)) == {None}


class TestMarks:
    def test_fault_stages_and_health_verdicts_are_marked(self) -> None:
        drained = story("fault=drain")
        assert drained.verdict.fault_at_ns is not None

        seen = marks(
            drained.history.events,
            drained.topology,
            fault_ns=drained.verdict.fault_at_ns,
            end_s=60,
        )

        words = [mark.words for mark in seen]
        assert words[0] == "<b>drain</b>"
        assert "the first route moves" in words
        assert "provider-a: down" in words
        assert "<b>stop</b>" in words

    def test_a_route_may_move_before_the_latest_moment_of_the_fault(self) -> None:
        moved = marks_of(fault(uncertainty_s=0.02), route(-0.01), route(18.5))

        assert [mark.at_s for mark in moved] == [0.0]

    def test_a_route_that_moved_before_the_fault_explains_nothing(self) -> None:
        moved = marks_of(route(-0.5), fault(uncertainty_s=0.02), route(0.45))

        assert [mark.at_s for mark in moved] == [pytest.approx(0.45)]

    def test_caches_that_expire_together_are_one_mark(self) -> None:
        events = tuple(
            Event(
                at_ns=int(FAULT_NS + at_s * NS),
                kind=EventKind.EXPIRY,
                detail={"resolver": resolver, "name": "failover"},
            )
            for resolver, at_s in [
                ("us-honest", 8.0),
                ("public", 8.4),
                ("us-honest", 20.0),
                ("us-clamping", 20.5),
            ]
        )

        seen = marks(events, power_off().topology, fault_ns=FAULT_NS, end_s=30)

        assert [(mark.at_s, mark.words) for mark in seen] == [
            (8.0, "cache expires: honest, public"),
            (20.5, "cache expires: clamping"),
        ]


class TestLabels:
    def test_equal_names_stay_lanes_of_their_own(self) -> None:
        assert len(set(labels([group("a"), group("b")]))) == 2

    def test_a_name_says_who_asks_what_through_whom_and_where(self) -> None:
        assert labels([group()]) == ["failover · honest · pinned (us)"]

    def test_cohorts_of_the_reference_scenario_have_names_of_their_own(self) -> None:
        told = power_off()
        rows = groups(
            told.verdict,
            told.history,
            told.scenario,
            told.topology,
            every_cohort=True,
        )

        assert not any("\u200b" in name for name in labels(rows))


class TestColours:
    def test_every_cause_has_one_of_its_own(self) -> None:
        assert set(CAUSE_COLOURS) == set(Cause)
        assert len(set(CAUSE_COLOURS.values())) == len(Cause)

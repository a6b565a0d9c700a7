"""Rules of `lab.live.observing`."""

from __future__ import annotations

import pytest

from lab.history import Answer, Attempt, EventKind, Outcome, Try
from lab.live.channel import ENDED
from lab.live.observing import Observer

ORIGIN_NS = 1_000


def verdict(line: str) -> tuple[str, str] | None:
    address, _, state = line.partition(" is ")
    return (address, state) if state else None


@pytest.fixture
def observer() -> Observer:
    return Observer(
        origin_ns=ORIGIN_NS,
        parsers={"provider-a": verdict},
        regions={"203.0.113.10": "us-east"},
    )


class TestFromNode:
    def test_times_count_from_the_start(self, observer: Observer) -> None:
        event = observer.from_node("n", {"kind": "ready", "t": 1_500, "condition": "c"})

        assert event is not None
        assert (event.at_ns, event.kind, event.node) == (500, EventKind.READY, "n")
        assert event.detail == {"condition": "c"}

    def test_a_route_keeps_what_changed(self, observer: Observer) -> None:
        said = {"kind": "route", "t": 1_500, "change": "added", "prefix": "p"}
        event = observer.from_node("n", {**said, "via": ["a"]})

        assert event is not None
        assert event.kind is EventKind.ROUTE
        assert event.detail == {"change": "added", "prefix": "p", "via": ["a"]}

    def test_a_verdict_in_a_log_names_the_region(self, observer: Observer) -> None:
        line = {"kind": "log", "t": 1_500, "line": "203.0.113.10 is down"}
        event = observer.from_node("provider-a", line)

        assert event is not None
        assert event.kind is EventKind.HEALTH
        assert event.detail == {"target": "us-east", "state": "down"}

    @pytest.mark.parametrize("node", ["provider-a", "transit-a"])
    def test_other_log_lines_are_no_events(self, observer: Observer, node: str) -> None:
        line = {"kind": "log", "t": 1_500, "line": "hello"}

        assert observer.from_node(node, line) is None

    def test_only_an_unexpected_exit_is_a_death(self, observer: Observer) -> None:
        said = {"kind": "exited", "t": 1_500, "process": "bird", "status": 1}

        event = observer.from_node("n", {**said, "expected": False})

        assert observer.from_node("n", {**said, "expected": True}) is None
        assert event is not None
        assert event.kind is EventKind.DIED
        assert event.detail == {"process": "bird", "status": 1}

    def test_the_end_of_a_container_is_a_death(self, observer: Observer) -> None:
        event = observer.from_node("n", {"kind": ENDED, "t": 1_500})

        assert event is not None
        assert event.kind is EventKind.DIED


class TestFromAgent:
    def test_an_attempt_counts_from_the_start_in_all_its_times(
        self, observer: Observer
    ) -> None:
        line = {
            "type": "attempt",
            "client": "c#1",
            "cohort": "c",
            "due_ns": 1_001,
            "start_ns": 1_002,
            "end_ns": 1_009,
            "outcome": "fail",
            "error": "connect-timeout",
            "tries": [{"address": "a", "error": "connect-timeout"}],
            "answer": {
                "source": "stub",
                "addresses": ["a"],
                "ttl_s": 12,
                "received_ns": 1_000,
            },
        }

        assert observer.from_agent("n", line) == Attempt(
            client="c#1",
            cohort="c",
            due_ns=1,
            start_ns=2,
            end_ns=9,
            outcome=Outcome.FAIL,
            error="connect-timeout",
            tries=(Try(address="a", error="connect-timeout"),),
            answer=Answer(source="stub", addresses=("a",), ttl_s=12, received_ns=0),
        )

    def test_an_event_keeps_kind_and_uncertainty(self, observer: Observer) -> None:
        line = {
            "type": "event",
            "at_ns": 1_500,
            "kind": "answer",
            "uncertainty_ns": 7,
            "detail": {"name": "failover"},
        }
        event = observer.from_agent("users", line)

        assert event is not None
        assert not isinstance(event, Attempt)
        assert (event.at_ns, event.uncertainty_ns) == (500, 7)
        assert (event.kind, event.node) == (EventKind.ANSWER, "users")

    def test_figures_are_no_record(self, observer: Observer) -> None:
        assert observer.from_agent("n", {"type": "stats", "t": 1}) is None

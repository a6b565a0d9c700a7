from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from lab.history import Attempt, Event, EventKind, Outcome
from lab.report.progress import RunProgress
from tests.unit.report.stories import Story, power_off, story

NS = 1_000_000_000


def moved(at_s: float) -> Event:
    return Event(at_ns=int(at_s * NS), kind=EventKind.ROUTE, node="transit-a")


def fault() -> Event:
    detail = {"kind": "drain", "target": "us-east"}
    return Event(
        at_ns=10 * NS, kind=EventKind.FAULT, uncertainty_ns=NS // 50, detail=detail
    )


def health(state: str) -> Event:
    detail = {"target": "us-east", "state": state}
    return Event(at_ns=NS, kind=EventKind.HEALTH, node="provider-a", detail=detail)


def phase(name: str, label: str) -> Event:
    detail = {"phase": name, "label": label}
    return Event(at_ns=NS, kind=EventKind.PHASE, detail=detail)


def fed(told: Story, *records: Event | Attempt) -> str:
    out = StringIO()
    progress = RunProgress(told.scenario, told.topology, Console(file=out))
    for record in records:
        progress.feed(record)
    return out.getvalue()


def shown(
    told: Story, *, terminal: bool = False, until_s: float = 1e9, width: int = 160
) -> str:
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=terminal,
        color_system=None,
        legacy_windows=False,
    )
    records = [(e.at_ns, e) for e in told.history.events]
    records += [(a.end_ns, a) for a in told.history.attempts]  # type: ignore[misc]
    with RunProgress(told.scenario, told.topology, console) as progress:
        for at_ns, record in sorted(records, key=lambda r: r[0]):
            if at_ns / 1e9 < until_s:
                progress.feed(record)
    return out.getvalue()


class TestPlain:
    def test_what_happens_is_said_with_seconds_since_the_fault(self) -> None:
        text = shown(power_off())

        assert "+0.00 s  us-east: power-off" in text
        assert "+4.30 s  provider-b declares us-east down" in text
        assert "+0.45 s  transit-a: the first route moves" in text

    def test_failing_clients_are_counted_every_few_seconds(self) -> None:
        text = shown(power_off())

        assert "failing: anycast 0/24; failover 48/48 (honest 12, " in text
        assert "attempts/s" in text

    def test_in_the_end_nobody_fails(self) -> None:
        last = [line for line in shown(power_off()).splitlines() if "failing" in line]

        assert "failover 0/48;" in last[-1]

    def test_attempts_reported_late_are_counted_all_the_same(self) -> None:
        told = power_off()
        late = next(a for a in told.history.attempts if a.outcome is Outcome.FAIL)
        out = StringIO()
        progress = RunProgress(told.scenario, told.topology, Console(file=out))

        progress.feed(Event(at_ns=late.end_ns + 3_000_000_000, kind=EventKind.ANSWER))
        progress.feed(late)

        assert "1/48 (" in out.getvalue()

    def test_a_later_stage_is_told(self) -> None:
        assert "us-east: stop" in shown(story("fault=drain"))

    def test_a_verdict_that_is_given_for_each_name_is_told_once(self) -> None:
        text = fed(power_off(), *(health("down") for _ in range(8)), health("up"))

        assert [line.split("declares ")[1] for line in text.splitlines()] == [
            "us-east down",
            "us-east up",
        ]

    def test_a_stretch_is_told_by_the_name_that_the_story_gives_it(self) -> None:
        told = power_off()

        assert "users are watched: steady" in fed(told, phase("observe", "steady"))
        assert fed(told, phase("ask", "ask")).endswith("servers are asked directly\n")

    def test_a_daemon_that_died_is_named(self) -> None:
        told = power_off()
        died = Event(
            at_ns=0,
            kind=EventKind.DIED,
            node="public",
            detail={"process": "pdns_recursor", "status": 1},
        )
        out = StringIO()
        progress = RunProgress(told.scenario, told.topology, Console(file=out))

        progress.feed(died)

        assert "public: pdns_recursor ended by itself" in out.getvalue()

    def test_a_route_that_moved_just_before_the_stamp_of_the_fault_is_told(
        self,
    ) -> None:
        told = story("fault=drain")

        text = fed(told, moved(9.5), moved(9.99), fault(), moved(28.5))

        assert "-0.01 s  transit-a: the first route moves" in text
        assert text.count("the first route moves") == 1

    def test_an_outcome_that_nobody_knows_is_no_failure(self) -> None:
        told = power_off()
        good = next(a for a in told.history.attempts if a.outcome is Outcome.OK)
        late = replace(good, end_ns=6 * NS, outcome=Outcome.INFO)

        text = fed(told, good, late)

        assert "failing: anycast 0/24; failover 0/48; rr 0/16;" in text

    def test_how_late_attempts_begin_is_told(self) -> None:
        told = power_off()
        good = told.history.attempts[0]
        late = replace(good, due_ns=0, start_ns=30_000_000, end_ns=6 * NS)

        assert "1 attempts/s, p99 lag 30 ms" in fed(told, late)

    def test_a_line_stays_one_line_where_nobody_scrolls_sideways(self) -> None:
        lines = shown(power_off(), width=40).splitlines()

        assert all(" s  " in line for line in lines)


class TestTerminal:
    def test_a_table_counts_the_failing_clients(self) -> None:
        text = shown(power_off(), terminal=True, until_s=9.0)

        last = text[text.rindex("failing clients") :]
        rows = [line.split() for line in last.splitlines()]
        assert ["failover", "honest", "4/4", "4/4", "4/4"] in rows
        assert any(row[:2] == ["anycast", "honest"] for row in rows)

    def test_the_headline_says_phase_time_and_rate(self) -> None:
        text = shown(power_off(), terminal=True, until_s=9.0)

        assert "s since power-off of us-east; " in text
        assert "attempts/s" in text

"""A story whose table is of figures: no fault, nobody recovers, something is drawn."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from xml.etree.ElementTree import fromstring

from rich.console import Console

from lab.history import Event, EventKind, History
from lab.judge.model import Status, Verdict
from lab.judge.verdict import judge
from lab.report.expected import figures, matrix, rows
from lab.report.html import page
from lab.report.junit import junit_xml
from lab.report.text import render
from lab.scenario.figures import AnswerShare, AnswerTime
from lab.scenario.model import Measures, Scenario, Unit
from tests.unit import worlds
from tests.unit.report.stories import facts

ASKED = Event(
    at_ns=1,
    kind=EventKind.ASKED,
    detail={
        "label": "burst",
        "asked": 10,
        "answered": 10,
        "first": {"a": 9, "b": 1},
        "rtt_ms": {"p50": 80.25},
    },
)
HISTORY = History(events=(ASKED,), attempts=())


def share(text: str, low: float, *, x: float | None = None) -> Measures:
    return Measures(
        text=text,
        section="What was given",
        figure=AnswerShare(ask="burst", addresses=("a",)),
        low=low,
        high=1.0,
        unit=Unit.PERCENT,
        why="nine of ten",
        series="share" if x is not None else "",
        x=x,
    )


TIME = Measures(
    text="median",
    section="How long it took",
    figure=AnswerTime(ask="burst", percent=50),
    low=None,
    high=0.1,
    unit=Unit.MILLISECONDS,
    why="one round trip",
)
STORY = Scenario(
    name="story",
    title="A story of figures",
    questions=("Q1",),
    knobs=(),
    watch=(),
    steps=(),
    expectations=(share("of a, at TTL 2", 0.8, x=2), share("of a", 0.95, x=6), TIME),
    picture="TTL, s",
)
TOPOLOGY = worlds.quick()
VERDICT = judge(TOPOLOGY, STORY, HISTORY)


def text() -> str:
    console = Console(file=StringIO(), width=120, highlight=False)
    console.print(render(VERDICT, HISTORY, STORY, TOPOLOGY, facts()))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


class TestRows:
    def test_figures_are_shown_in_their_units(self) -> None:
        first, _, last = figures(VERDICT, STORY)

        assert (first.low, first.measured, first.high) == (
            "80.0 %",
            "90.0 %",
            "100.0 %",
        )
        assert (last.low, last.measured, last.high) == ("", "80.2 ms", "100.0 ms")

    def test_other_expectations_have_a_table_of_their_own(self) -> None:
        assert rows(VERDICT, STORY, TOPOLOGY) == ()


class TestText:
    def test_each_heading_stands_once_above_its_figures(self) -> None:
        shown = text()

        assert shown.count("What was given") == 1
        assert shown.index("What was given") < shown.index("of a, at TTL 2")
        assert shown.index("of a, at TTL 2") < shown.index("How long it took")

    def test_what_does_not_hold_says_why_and_what_does_is_short(self) -> None:
        shown = text()

        assert VERDICT.status is Status.FAILED
        assert shown.count("nine of ten") == 1
        assert "one round trip" not in shown

    def test_the_heading_is_part_of_a_result_and_of_a_test_case(self) -> None:
        suite = fromstring(junit_xml(VERDICT, STORY))

        assert VERDICT.expectations[-1].section == "How long it took"
        assert [case.get("name") for case in suite.iter("testcase")][-1] == (
            "How long it took: median"
        )

    def test_nobody_recovers_where_nothing_died(self) -> None:
        assert "p50 s" not in text()


class TestMatrix:
    def placed(self, column: str, section: str, *, low: float = 0.8) -> Measures:
        return replace(
            share(f"what {column} gave", low), section=section, column=column
        )

    def judged(self, *expected: Measures) -> tuple[Verdict, Scenario]:
        story = replace(STORY, expectations=(*expected, TIME), picture="")
        return judge(TOPOLOGY, story, HISTORY), story

    def shown(self, *expected: Measures, each: bool = False) -> str:
        verdict, story = self.judged(*expected)
        console = Console(file=StringIO(), width=100, highlight=False)
        console.print(
            render(verdict, HISTORY, story, TOPOLOGY, facts(), every_cohort=each)
        )
        assert isinstance(console.file, StringIO)
        return console.file.getvalue()

    def test_a_row_is_a_section_and_a_gap_is_where_nothing_was_measured(self) -> None:
        verdict, story = self.judged(
            self.placed("DNS", "Reach"),
            self.placed("L7", "Reach"),
            self.placed("L7", "Sight"),
            replace(self.placed("L7", "Sight"), text="and more"),
        )
        compared = matrix(figures(verdict, story))

        assert compared.columns == ("DNS", "L7")
        assert [
            (section, [len(cell) for cell in cells]) for section, cells in compared.rows
        ] == [("Reach", [1, 1]), ("Sight", [0, 2])]

    def test_figures_without_a_column_are_in_none(self) -> None:
        assert matrix(figures(VERDICT, STORY)).rows == ()

    def test_what_stands_in_it_is_not_listed_again_unless_it_failed(self) -> None:
        cells = (self.placed("DNS", "Reach"), self.placed("L7", "Reach", low=0.95))
        shown = self.shown(*cells)

        assert "DNS: what DNS gave" not in shown
        assert shown.count("what DNS gave") == 1
        assert "L7: what L7 gave" in shown
        assert shown.count("nine of ten") == 1
        assert "DNS: what DNS gave" in self.shown(*cells, each=True)

    def test_like_stands_beside_like(self) -> None:
        lines = self.shown(self.placed("DNS", "Reach"), self.placed("L7", "Reach"))

        (row,) = (line for line in lines.splitlines() if "what DNS gave" in line)
        assert row.startswith(" Reach")
        assert "what L7 gave" in row

    def test_is_on_the_page_too(self) -> None:
        verdict, story = self.judged(self.placed("DNS", "Reach"))
        made = page(verdict, HISTORY, story, TOPOLOGY, facts())

        assert "Side by side" in made
        assert "<th>DNS</th>" in made
        assert "Side by side" not in page(VERDICT, HISTORY, STORY, TOPOLOGY, facts())


class TestPage:
    def whole(self, story: Scenario) -> str:
        made = page(VERDICT, HISTORY, story, TOPOLOGY, facts())
        head, _, rest = made.partition("<script>")
        return head + rest.partition("</script>")[2]

    def test_shows_every_figure_with_its_arithmetic(self) -> None:
        shown = self.whole(STORY)

        assert shown.count("nine of ten") == 2
        assert "one round trip" in shown

    def test_draws_a_sweep(self) -> None:
        shown = self.whole(STORY)
        assert "TTL, s" in shown
        assert shown.count("Plotly.newPlot(") == 1

    def test_draws_nothing_without_one(self) -> None:
        assert "Plotly.newPlot(" not in self.whole(replace(STORY, picture=""))

    def test_tells_of_no_fault(self) -> None:
        assert "Who was failing when" not in self.whole(STORY)

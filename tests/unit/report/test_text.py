from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from lab.report.text import render
from tests.unit.report.stories import Story, broken, facts, power_off, story, unseen


def text(told: Story, *, width: int = 120, every_cohort: bool = False) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    console.print(
        render(
            told.verdict,
            told.history,
            told.scenario,
            told.topology,
            facts(),
            every_cohort=every_cohort,
        )
    )
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


class TestRender:
    def test_says_what_died_how_when_and_how_sure_that_is(self) -> None:
        shown = text(power_off())

        assert "us-east: power-off, " in shown
        assert "s into the run, to within 3.0 ms" in shown
        assert "cached answers were 4 s old" in shown

    def test_a_drain_tells_when_it_stopped(self) -> None:
        told = story("fault=drain")

        assert "; stopped " in text(told)

    def test_a_good_run_is_as_expected(self) -> None:
        told = power_off()
        count = len(told.scenario.expectations)

        assert f"As expected: {count} of {count} expectations hold" in text(told)

    def test_a_broken_one_shows_what_failed_and_why(self) -> None:
        shown = text(broken())

        assert "Not as expected: " in shown
        assert "FAILED" in shown
        assert "cached for 25 s" in shown

    def test_one_without_evidence_is_unknown(self) -> None:
        shown = text(unseen())

        assert "Unknown, for want of evidence: 0 of " in shown
        assert "nobody knows when" in shown

    def test_a_story_of_users_tells_of_the_lab_itself_last(self) -> None:
        shown = text(power_off())

        assert shown.index("the route moves") < shown.index("The lab itself")

    def test_resolution_is_stated(self) -> None:
        assert "one each 0.2 or 0.5 s" in text(power_off())

    def test_the_footnote_says_where_the_causes_are(self) -> None:
        assert "Right of lost: " in text(power_off(), width=160)
        assert "Second table: " in text(power_off(), width=80)

    def test_a_run_that_hurt_nobody_has_no_note_on_causes(self) -> None:
        assert "what each layer cost" not in text(unseen())

    def test_all_shows_each_expectation_with_its_arithmetic(self) -> None:
        shown = text(power_off(), width=240, every_cohort=True)

        for expected in power_off().scenario.expectations:
            assert expected.text in shown
        assert "BFD gives up" in shown

    @pytest.mark.parametrize("width", [80, 100, 120, 160])
    def test_no_figure_is_cut_off_on_narrow_terminals(self, width: int) -> None:
        shown = text(power_off(), width=width)

        assert "…" not in shown.replace(" … ", "")
        assert "pin" in shown

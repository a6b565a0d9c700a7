from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lab.history import EventKind
from lab.report.html import page
from tests.unit.report.stories import Story, broken, facts, power_off, unseen


def shown(told: Story) -> str:
    """Return the page without the library it carries."""
    whole = page(told.verdict, told.history, told.scenario, told.topology, facts())
    head, _, rest = whole.partition("<script>")
    return head + rest.partition("</script>")[2]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [str(v) for k, v in attrs if k in ("src", "href") and v]


class TestPage:
    def test_needs_nothing_from_elsewhere(self) -> None:
        told = power_off()
        links = _Links()

        links.feed(
            page(told.verdict, told.history, told.scenario, told.topology, facts())
        )

        assert links.found == []

    def test_carries_the_library_that_draws(self) -> None:
        told = power_off()

        whole = page(told.verdict, told.history, told.scenario, told.topology, facts())

        assert "plotly.js v" in whole
        assert whole.count("Plotly.newPlot(") >= 3

    def test_shows_figures_expectations_and_facts(self) -> None:
        text = shown(power_off())

        assert "As expected" in text
        assert "anycast (public): the route moves to the next site" in text
        assert "BIRD version 2.17.1" in text

    def test_a_story_of_users_tells_of_the_lab_itself_last(self) -> None:
        text = shown(power_off())

        assert text.index("What was expected") < text.index("The lab itself")

    def test_every_cohort_has_a_lane(self) -> None:
        text = shown(power_off())

        assert r"failover \u00b7 us-clamping \u00b7 pinned (us)" in text

    def test_what_failed_is_shown_with_its_arithmetic(self) -> None:
        text = shown(broken())

        failed = text.index('<td class="failed">failed</td>')
        assert "cached for 25 s" in text[failed : failed + 600]

    def test_text_from_a_run_is_text_and_nothing_else(self) -> None:
        told = power_off()
        evil = "</script><img src=x onerror=alert(1)>"
        events = tuple(
            replace(e, node=evil) if e.kind is EventKind.HEALTH else e
            for e in told.history.events
        )
        cohorts = tuple(replace(c, resolver=evil) for c in told.verdict.cohorts)

        text = shown(
            replace(
                told,
                scenario=replace(told.scenario, title=evil, name=evil),
                history=replace(told.history, events=events),
                verdict=replace(told.verdict, cohorts=cohorts, notes=(evil,)),
            )
        )

        assert "onerror=alert(1)" in text
        assert "<img" not in text

    def test_without_evidence_it_says_so_and_draws_nothing(self) -> None:
        text = shown(unseen())

        assert "Unknown, for want of evidence" in text
        assert "Nobody knows when the fault took effect." in text
        assert "Plotly.newPlot(" not in text

    @pytest.mark.parametrize("told", [power_off, unseen])
    def test_tags_are_balanced(self, told: object) -> None:
        assert callable(told)
        text = shown(told())

        for tag in ("table", "tr", "details", "div", "p"):
            opened = len(re.findall(rf"<{tag}[ >]", text))
            assert opened == text.count(f"</{tag}>"), tag

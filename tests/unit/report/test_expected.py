from __future__ import annotations

from lab.report.expected import Row, figures, rows
from lab.scenario.model import Expectation, Measures
from tests.unit.report.stories import Story, broken, power_off, unseen


def shown(told: Story, *, each: bool = False) -> tuple[Row, ...]:
    return rows(told.verdict, told.scenario, told.topology, each=each)


def of_users(told: Story) -> list[Expectation]:
    return [e for e in told.scenario.expectations if not isinstance(e, Measures)]


class TestRows:
    def test_the_same_expectation_of_many_cohorts_is_one_row(self) -> None:
        moved = [r for r in shown(power_off()) if "route moves" in r.text]

        assert [(r.text, r.count, r.low, r.high) for r in moved] == [
            (f"anycast ({whose}): the route moves to the next site", count, low, high)
            for whose, count, low, high in (
                ("not public", 9, "0.32 s", "1.00 s"),
                ("public", 3, "0.24 s", "1.00 s"),
            )
        ]

    def test_none_is_left_out(self) -> None:
        told = power_off()

        read_off = figures(told.verdict, told.scenario)
        rest = sum(r.count for r in shown(told))
        assert rest + len(read_off) == len(told.scenario.expectations)

    def test_a_row_of_several_says_between_what_they_measured(self) -> None:
        pinned = next(r for r in shown(power_off()) if "beyond the TTL" in r.text)

        least, greatest = pinned.measured.split(" … ")
        assert float(least.removesuffix(" s")) < float(greatest.removesuffix(" s"))

    def test_bounds_that_differ_are_rows_that_say_whose_they_are(self) -> None:
        texts = [r.text for r in shown(power_off())]

        assert "failover (clamping): follows the resolver's cache" in texts
        assert "failover (honest, public): follows the resolver's cache" in texts

    def test_what_does_not_hold_stands_alone_with_its_name(self) -> None:
        failed = [r for r in shown(broken()) if r.ok is False]

        assert failed
        assert all(r.count == 1 for r in failed)
        assert any("access-us/failover/us-clamping" in r.text for r in failed)

    def test_what_nobody_knows_stands_alone_without_a_measure(self) -> None:
        told = unseen()

        assert len(shown(told)) == len(of_users(told))
        assert {(r.ok, r.measured) for r in shown(told)} == {(None, "")}

    def test_each_alone_keeps_its_own_text(self) -> None:
        told = power_off()

        texts = [r.text for r in shown(told, each=True)]

        assert texts == [e.text for e in of_users(told)]

    def test_units_are_those_of_what_is_measured(self) -> None:
        by_text = {r.text: r for r in shown(power_off())}

        share = by_text["at most 1% of failed attempts without a known cause"]
        factor = next(r for t, r in by_text.items() if "by this factor" in t)
        assert share.high == "1.0 %"
        assert factor.low.endswith(" x")

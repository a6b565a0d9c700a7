from __future__ import annotations

from xml.etree.ElementTree import fromstring

from lab.report.junit import junit_xml
from tests.unit.report.stories import broken, power_off, unseen


class TestJunitXml:
    def test_a_test_case_for_each_expectation(self) -> None:
        told = power_off()

        suite = fromstring(junit_xml(told.verdict, told.scenario))

        names = [case.get("name") for case in suite.iter("testcase")]
        assert len(names) == len(told.scenario.expectations)
        assert names[0] == told.scenario.expectations[0].text
        assert names[-1] == "The lab itself: round trips that are not as links declare"
        assert (suite.get("failures"), suite.get("errors")) == ("0", "0")

    def test_what_does_not_hold_is_a_failure_with_its_bounds(self) -> None:
        told = broken()

        suite = fromstring(junit_xml(told.verdict, told.scenario))

        failures = list(suite.iter("failure"))
        assert str(len(failures)) == suite.get("failures")
        assert any("19.0 <= " in str(f.get("message")) for f in failures)

    def test_what_nobody_knows_is_an_error(self) -> None:
        told = unseen()

        suite = fromstring(junit_xml(told.verdict, told.scenario))

        errors = [str(f.get("message")) for f in suite.iter("error")]
        assert len(errors) == len(told.scenario.expectations)
        assert all("unknown" in said and "None" not in said for said in errors)

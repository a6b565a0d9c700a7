"""A verdict as JUnit XML: a test case per expectation; unknown is an error."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lab.judge.model import ExpectationResult, Verdict
from lab.scenario.model import Scenario


def junit_xml(verdict: Verdict, scenario: Scenario) -> str:
    """Return the document."""
    results = verdict.expectations
    suite = Element(
        "testsuite",
        name=scenario.name,
        tests=str(len(results)),
        failures=str(sum(r.ok is False for r in results)),
        errors=str(sum(r.ok is None for r in results)),
    )
    for result in results:
        name = f"{result.section}: {result.text}" if result.section else result.text
        case = SubElement(suite, "testcase", classname=scenario.name, name=name)
        if result.ok is not True:
            kind = "error" if result.ok is None else "failure"
            SubElement(case, kind, message=f"{_shown(result)}; {result.why}")
    indent(suite)
    return tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _shown(result: ExpectationResult) -> str:
    """Return the measured value between the bounds that there are."""
    measured = "unknown" if result.measured is None else round(result.measured, 3)
    found = (result.low, measured, result.high)
    return " <= ".join(str(value) for value in found if value is not None)

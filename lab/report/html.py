"""A judged run as one self-contained page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lab.history import History
from lab.judge.model import Status, Verdict
from lab.judge.round_trips import round_trips
from lab.report.charts import budget, timeline
from lab.report.expected import figures, is_of_users, matrix, rows
from lab.report.facts import RunFacts
from lab.report.groups import Group, groups
from lab.report.picture import picture
from lab.report.text import headline
from lab.scenario.model import Fault, Observe, Scenario
from lab.topology.model import Topology

_SENTENCE = {
    Status.OK: "As expected",
    Status.FAILED: "Not as expected",
    Status.UNKNOWN: "Unknown, for want of evidence",
}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(
    verdict: Verdict,
    history: History,
    scenario: Scenario,
    topology: Topology,
    facts: RunFacts,
) -> str:
    """Return the page; its pictures need no network."""
    observed_s = sum(s.for_s for s in scenario.steps if isinstance(s, Observe))

    def lanes(shown: tuple[Group, ...]) -> Markup:
        if verdict.fault_at_ns is None or not shown:
            return Markup("")
        fault_ns = verdict.fault_at_ns
        return Markup(
            timeline(shown, history, topology, fault_ns=fault_ns, end_s=observed_s)
        )

    measured = figures(verdict, scenario)
    alike = groups(verdict, history, scenario, topology)
    every = groups(verdict, history, scenario, topology, every_cohort=True)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            plotly=Markup(get_plotlyjs()),
            title=f"{scenario.name}: {facts.started_at}",
            headline=scenario.title,
            subtitle=headline(verdict, scenario).plain,
            verdict=verdict.status.value,
            sentence=_SENTENCE[verdict.status],
            timeline=lanes(alike),
            every_cohort=lanes(every),
            budget=Markup(budget(alike)) if any(g.causes for g in alike) else "",
            rows=alike,
            checked=len(verdict.expectations),
            good=sum(e.ok is True for e in verdict.expectations),
            died=any(isinstance(step, Fault) for step in scenario.steps),
            matrix=matrix(measured),
            figures=measured,
            of_users=is_of_users(scenario),
            picture=Markup(picture(verdict, scenario)) if scenario.picture else "",
            expectations=rows(verdict, scenario, topology),
            each=rows(verdict, scenario, topology, each=True),
            round_trips=round_trips(history),
            facts=_facts(facts, verdict),
        )
    )


def _facts(facts: RunFacts, verdict: Verdict) -> list[tuple[str, str]]:
    rate = facts.attempts_per_s
    return [
        ("scenario", facts.scenario),
        ("started", facts.started_at),
        ("topology", f"{facts.topology}, profile {facts.profile}"),
        ("knobs", ", ".join(f"{k}={v}" for k, v in facts.knobs.items())),
        ("attempts", "" if rate is None else f"{rate:.0f}/s"),
        *((name, said) for name, said in facts.versions.items()),
        *(("note", note) for note in verdict.notes),
    ]

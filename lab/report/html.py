"""A judged run as one self-contained page."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lab.history import History
from lab.judge.model import Status, Verdict
from lab.paths import configs_folder
from lab.report.charts import budget, timeline
from lab.report.facts import RunFacts
from lab.report.groups import groups
from lab.report.text import headline
from lab.scenario.model import Observe, Scenario
from lab.topology.model import Topology

_SENTENCE = {
    Status.OK: "every expectation holds",
    Status.FAILED: "an expectation failed",
    Status.UNKNOWN: "unknown, because evidence is missing",
}
_STATE = {True: "ok", False: "failed", None: "unknown"}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(configs_folder() / "report"),
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
    rows = groups(verdict, history, scenario, topology)
    observed_s = sum(s.for_s for s in scenario.steps if isinstance(s, Observe))
    script = Markup("<script>{}</script>").format(Markup(get_plotlyjs()))
    picture = Markup("<p>Nobody knows when the fault took effect.</p>")
    if verdict.fault_at_ns is not None:
        drawn = timeline(rows, history, verdict.fault_at_ns, observed_s)
        picture = Markup(drawn)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=f"{scenario.name}: {facts.started_at}",
            headline=scenario.title,
            subtitle=headline(verdict, scenario).plain,
            verdict=verdict.status.value,
            sentence=_SENTENCE[verdict.status],
            timeline=script + picture,
            budget=Markup(budget(rows)),
            rows=rows,
            good=sum(e.ok is True for e in verdict.expectations),
            expectations=[
                {
                    "state": _STATE[e.ok],
                    "text": e.text,
                    "why": e.why,
                    "low": _number(e.low),
                    "measured": _number(e.measured),
                    "high": _number(e.high),
                }
                for e in verdict.expectations
            ],
            facts=_facts(facts, verdict),
        )
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _facts(facts: RunFacts, verdict: Verdict) -> list[tuple[str, str]]:
    lag, rate = facts.scheduling_lag_p99_ms, facts.attempts_per_s
    return [
        ("started", facts.started_at),
        ("topology", f"{facts.topology}, profile {facts.profile}"),
        ("knobs", ", ".join(f"{k}={v}" for k, v in facts.knobs.items())),
        ("attempts", "" if rate is None else f"{rate:.0f}/s"),
        ("scheduling lag", "" if lag is None else f"{lag:.1f} ms (p99)"),
        *((name, said) for name, said in facts.versions.items()),
        *(("note", note) for note in verdict.notes),
    ]

"""A judged run as terminal text."""

from __future__ import annotations

from rich import box
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lab.history import History
from lab.judge.model import ExpectationResult, Status, Verdict
from lab.report.facts import RunFacts
from lab.report.groups import Group, groups
from lab.scenario.model import Cause, Fault, Scenario
from lab.topology.model import Topology

_SIGN = {True: "[green]ok[/]", False: "[bold red]FAILED[/]", None: "[yellow]unknown[/]"}
#: Causes as narrow column heads.
_HEADS = {
    Cause.DETECTION: "detec-\ntion",
    Cause.WITHDRAWAL: "with-\ndrawal",
    Cause.RESOLVER_CACHE: "cache",
    Cause.RESOLVER_CLAMP: "clamp",
    Cause.SERVE_STALE: "stale",
    Cause.CLIENT_PIN: "pin",
    Cause.OVERLOAD: "over-\nload",
    Cause.NO_PATH: "no\npath",
    Cause.OTHER: "other",
}
_SENTENCE = {
    Status.OK: "[bold green]every expectation holds[/]",
    Status.FAILED: "[bold red]an expectation failed[/]",
    Status.UNKNOWN: "[bold yellow]the verdict is unknown[/]: evidence is missing",
}


def render(
    verdict: Verdict,
    history: History,
    scenario: Scenario,
    topology: Topology,
    facts: RunFacts,
    *,
    every_cohort: bool = False,
) -> RenderableType:
    """Return what happened, who recovered when, what was expected, and the verdict."""
    rows = groups(verdict, history, scenario, topology, every_cohort=every_cohort)
    return Stack(
        Text(),
        headline(verdict, scenario),
        Text(),
        cohort_table(rows),
        _footnote(rows, facts),
        Text(),
        _expectations(verdict.expectations, everything=every_cohort),
        Text(),
        _conclusion(verdict),
    )


def headline(verdict: Verdict, scenario: Scenario) -> Text:
    """Return what died, how and when."""
    fault = next((s for s in scenario.steps if isinstance(s, Fault)), None)
    if fault is None:
        return Text.from_markup(f"[bold]{escape(scenario.title)}[/]")
    what = f"[bold]{escape(fault.target)}: {fault.kind}[/]"
    if verdict.fault_at_ns is None:
        return Text.from_markup(f"{what}; nobody knows when")
    at_s = verdict.fault_at_ns / 1e9
    within_ms = (verdict.fault_uncertainty_ns or 0) / 1e6
    answers = f"cached answers {fault.at_age_s:g} s old"
    later = f", stopped {fault.drain_s:g} s later" if fault.drain_s else ""
    return Text.from_markup(
        f"{what}, {at_s:.2f} s into the run, known to {within_ms:.1f} ms; "
        f"{answers}{later}"
    )


def cohort_table(rows: tuple[Group, ...]) -> Table:
    """Return who recovered when: seconds from the fault, over the clients of a row.

    The last columns split the mean outage of a client by its causes.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name, width in (("name", 8), ("resolver", 11), ("client", 14), ("side", 6)):
        table.add_column(name, min_width=width)
    for name in ("p50", "p95", "max"):
        table.add_column(f"{name} s", justify="right", no_wrap=True)
    table.add_column("lost", justify="right", no_wrap=True)
    causes = [c for c in Cause if any(c in dict(row.causes) for row in rows)]
    for cause in causes:
        table.add_column(_HEADS[cause], justify="right", no_wrap=True)
    last = ""
    for row in rows:
        if last and row.qname != last:
            table.add_section()
        table.add_row(
            row.qname if row.qname != last else "",
            row.resolver,
            row.behaviour,
            _side(row.side),
            *_figures(row),
            f"{row.failed}/{row.attempts}",
            *(_seconds(dict(row.causes).get(cause)) for cause in causes),
        )
        last = row.qname
    return table


def _side(side: str) -> str:
    """Return the access networks in short: `access-us, access-eu` is `us, eu`."""
    return side.replace("access-", "")


def _figures(row: Group) -> tuple[str, str, str]:
    if row.recovery is None:
        return ("-", "-", "[red]never[/]" if row.unrecovered else "[yellow]?[/]")
    recovery = row.recovery
    return (f"{recovery.p50:.2f}", f"{recovery.p95:.2f}", f"{recovery.max:.2f}")


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f}"


def _footnote(rows: tuple[Group, ...], facts: RunFacts) -> Text:
    finest = sorted({row.resolution_s for row in rows})
    said = (
        "right of lost: mean seconds of a client's outage, by cause; "
        "a client looks every " + " or ".join(f"{r:g}" for r in finest) + " s"
    )
    if facts.scheduling_lag_p99_ms is not None:
        said += f", {facts.scheduling_lag_p99_ms:.1f} ms late at most (p99)"
    if facts.attempts_per_s is not None:
        said += f"; {facts.attempts_per_s:.0f} attempts/s; profile {facts.profile}"
    return Text(said, style="dim")


def _expectations(
    results: tuple[ExpectationResult, ...], *, everything: bool
) -> RenderableType:
    """Return what did not hold, or all; the rest as a count."""
    shown = [r for r in results if everything or not r.ok]
    good = sum(r.ok is True for r in results)
    summary = Text.from_markup(
        f"{good} of {len(results)} expectations hold"
        + ("" if everything or good == 0 else " [dim](--all shows each)[/]")
    )
    if not shown:
        return summary
    table = Table("", "expectation", "low", "measured", "high", box=box.SIMPLE_HEAD)
    for result in shown:
        text = f"{escape(result.text)}\n[dim]{escape(result.why)}[/]"
        table.add_row(
            _SIGN[result.ok],
            text,
            *(_number(x) for x in (result.low, result.measured, result.high)),
        )
    return Stack(table, summary)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _conclusion(verdict: Verdict) -> Text:
    said = Text.from_markup(f"verdict: {_SENTENCE[verdict.status]}")
    for note in verdict.notes:
        said.append(f"\n{note}", style="dim")
    return said

"""A judged run as terminal text."""

from __future__ import annotations

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.console import Group as Stack
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from lab.history import History
from lab.judge.model import Status, Verdict
from lab.judge.round_trips import round_trips
from lab.report.expected import Matrix, Row, figures, is_of_users, matrix, rows
from lab.report.facts import RunFacts
from lab.report.groups import Group, groups
from lab.report.round_trips import sentence
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
    Status.OK: "[bold green]As expected[/]",
    Status.FAILED: "[bold red]Not as expected[/]",
    Status.UNKNOWN: "[bold yellow]Unknown, for want of evidence[/]",
}
#: A rule below the head and between sections; columns are apart by one space.
_RULED = box.Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
_ENDLESS = 10_000


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
    cohorts = groups(verdict, history, scenario, topology, every_cohort=every_cohort)
    measured = figures(verdict, scenario)
    expected = rows(verdict, scenario, topology, each=every_cohort)
    of_users = is_of_users(scenario)
    tables: list[RenderableType] = []
    if verdict.fault_at_ns is not None and cohorts and (every_cohort or of_users):
        tables += [CohortTable(cohorts, facts), Text()]
    if (compared := matrix(measured)).rows:
        tables += [MatrixTable(compared), Text()]
    listed = tuple(r for r in measured if every_cohort or not (r.column and r.ok))
    about_figures = [figure_table(listed, with_why=every_cohort)] if listed else []
    if not of_users:
        tables += about_figures
    if expected:
        tables += [expectation_table(expected, with_why=every_cohort)]
    if of_users:
        tables += about_figures
    if far := sentence(round_trips(history)):
        tables += [Text(far, style="dim")]
    conclusion = _conclusion(verdict, everything=every_cohort)
    asked = f"[bold]{', '.join(scenario.questions)}: {escape(scenario.title)}[/]"
    head = [Text.from_markup(asked)]
    if verdict.fault_at_ns is not None or of_users:
        head += [headline(verdict, scenario)]
    return Stack(Text(), *head, Text(), *tables, conclusion)


def headline(verdict: Verdict, scenario: Scenario) -> Text:
    """Return what died, how and when."""
    fault = next((s for s in scenario.steps if isinstance(s, Fault)), None)
    if fault is None:
        return Text.from_markup(f"[bold]{escape(scenario.title)}[/]")
    much = "".join(f", {name} {value:g}" for name, value in fault.amounts.items())
    what = f"[bold]{escape(fault.target)}: {fault.kind}{much}[/]"
    if verdict.fault_at_ns is None:
        return Text.from_markup(f"{what}; nobody knows when")
    at_s = verdict.fault_at_ns / 1e9
    within_ms = (verdict.fault_uncertainty_ns or 0) / 1e6
    later = f"; stopped {fault.drain_s:g} s later" if fault.drain_s else ""
    age = ""
    if fault.at_age_s is not None:
        age = f"; cached answers were {fault.at_age_s:g} s old"
    return Text.from_markup(
        f"{what}, {at_s:.2f} s into the run, to within {within_ms:.1f} ms{age}{later}"
    )


class CohortTable:
    """Who recovered when, and which layer cost which seconds; what the figures mean.

    Two tables where the terminal is too narrow for one.
    """

    def __init__(self, groups: tuple[Group, ...], facts: RunFacts) -> None:
        """Hold the rows."""
        self._groups = groups
        self._facts = facts

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Yield one table, or two where one is too wide, and a note."""
        whole = cohort_table(self._groups)
        hurt = tuple(group for group in self._groups if group.causes)
        endless = options.update(width=_ENDLESS)
        if Measurement.get(console, endless, whole).minimum <= options.max_width:
            yield whole
            causes = "Right of lost" if hurt else ""
        else:
            yield cohort_table(self._groups, causes=False, gap=0)
            if hurt:
                yield cohort_table(hurt, figures=False, gap=0)
            causes = "Second table" if hurt else ""
        yield _footnote(self._groups, self._facts, causes=causes)


def cohort_table(
    groups: tuple[Group, ...],
    *,
    figures: bool = True,
    causes: bool = True,
    gap: int = 1,
) -> Table:
    """Return a table of seconds from the fault, over the clients of a row.

    Args:
        groups: One row each.
        figures: With columns for recovery and lost attempts.
        causes: With columns that split the mean outage of a client.
        gap: Spaces between columns, beside one.
    """
    table = Table(box=_RULED, pad_edge=False, padding=(0, gap, 0, 0))
    whose = [(g.qname, g.resolver, g.behaviour) for g in groups]
    for name, values in zip(
        ("name", "resolver", "client"), zip(*whose, strict=True), strict=True
    ):
        longest = max(len(word) for word in " ".join((name, *values)).split())
        table.add_column(name, min_width=longest)
    if figures:
        table.add_column("side", no_wrap=True)
        for name in ("p50 s", "p95 s", "max s", "lost"):
            table.add_column(name, justify="right", no_wrap=True)
    costly = [c for c in Cause if any(c in dict(g.causes) for g in groups)]
    for cause in costly if causes else ():
        table.add_column(_HEADS[cause], justify="right", no_wrap=True)
    last = ""
    for group in groups:
        if last and group.qname != last:
            table.add_section()
        seconds = dict(group.causes)
        table.add_row(
            group.qname if group.qname != last else "",
            group.resolver,
            group.behaviour,
            *((_side(group.side), *_figures(group)) if figures else ()),
            *(_seconds(seconds.get(c)) for c in (costly if causes else ())),
        )
        last = group.qname
    return table


def _side(side: str) -> str:
    """Return the access networks in short: `access-us, access-eu` is `us, eu`."""
    return side.replace("access-", "")


def _figures(group: Group) -> tuple[str, str, str, str]:
    lost = f"{group.failed}/{group.attempts}"
    if group.recovery is None:
        end = "[red]never[/]" if group.unrecovered else "[yellow]?[/]"
        return ("-", "-", end, lost)
    r = group.recovery
    return (f"{r.p50:.2f}", f"{r.p95:.2f}", f"{r.max:.2f}", lost)


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f}"


def _footnote(groups: tuple[Group, ...], facts: RunFacts, *, causes: str) -> Text:
    paces = " or ".join(f"{r:g}" for r in sorted({g.resolution_s for g in groups}))
    said = (
        "p50, p95, max: from the fault to the first good attempt after which none "
        f"fails; a client makes one each {paces} s, nothing finer is seen.\n"
    )
    if causes:
        said += f"{causes}: what each layer cost a client, in mean seconds of outage.\n"
    said += f"Profile {facts.profile}"
    if facts.attempts_per_s is not None:
        said += f"; {facts.attempts_per_s:.0f} attempts/s"
    return Text(said + ".", style="dim")


def expectation_table(rows: tuple[Row, ...], *, with_why: bool) -> Table:
    """Return what was expected and what was seen; why where it did not hold, or all."""
    table = Table(box=_RULED, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    table.add_column("expected", overflow="fold")
    table.add_column("cases", justify="right", no_wrap=True)
    table.add_column("low", justify="right", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("high", justify="right", no_wrap=True)
    for row in rows:
        text = Text(row.text)
        if with_why or not row.ok:
            text.append(f"\n{row.why}", style="dim")
        count = str(row.count) if row.count > 1 else ""
        table.add_row(_SIGN[row.ok], text, count, row.low, row.measured, row.high)
    return table


def figure_table(rows: tuple[Row, ...], *, with_why: bool) -> Table:
    """Return what the scenario reads off the run, under its headings."""
    table = Table(box=_RULED, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    table.add_column("figure")
    for name in ("measured", "at least", "at most"):
        table.add_column(name, justify="right", no_wrap=True)
    section = ""
    for row in rows:
        if row.section != section:
            table.add_section()
            table.add_row("", Text(row.section, style="bold"))
            section = row.section
        text = Text(f"{row.column}: {row.text}" if row.column else row.text)
        if with_why or not row.ok:
            text.append(f"\n{row.why}", style="dim")
        table.add_row(_SIGN[row.ok], text, row.measured, row.low, row.high)
    return table


class MatrixTable:
    """Figures side by side, each with its sign and its bounds below it.

    The columns share the width evenly, so that like stands beside like.
    """

    def __init__(self, compared: Matrix) -> None:
        """Hold the figures."""
        self._compared = compared

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Yield the table."""
        columns = self._compared.columns
        width = options.max_width // (len(columns) + 1) - 1
        table = Table(box=_RULED, pad_edge=False, padding=(0, 1, 0, 0))
        for name in ("", *columns):
            table.add_column(name, width=width, overflow="fold")
        for section, cells in self._compared.rows:
            heading = Text(section, style="bold")
            table.add_row(heading, *(_cell(figures) for figures in cells))
            table.add_section()
        yield table


def _cell(figures: tuple[Row, ...]) -> RenderableType:
    if not figures:
        return Text("–", style="dim")
    return Stack(*(line for row in figures for line in _figure_lines(row)))


def _figure_lines(row: Row) -> tuple[Text, Text]:
    figure = Text.from_markup(f"[bold]{escape(row.measured) or '?'}[/]")
    bounds = " … ".join(dict.fromkeys(side for side in (row.low, row.high) if side))
    if row.low and not row.high:
        bounds = f"{row.low} or more"
    if bounds and bounds != row.measured:
        figure.append(f"  of {bounds}", style="dim")
    figure.append_text(Text.from_markup(f"  {_SIGN[row.ok]}"))
    return Text(row.text), figure


def _conclusion(verdict: Verdict, *, everything: bool) -> Text:
    results = verdict.expectations
    good = sum(r.ok is True for r in results)
    said = Text.from_markup(
        f"{_SENTENCE[verdict.status]}: {good} of {len(results)} expectations hold"
    )
    if not everything:
        said.append("; --all shows each, with its arithmetic", style="dim")
    for note in verdict.notes:
        said.append(f"\n{note}", style="dim")
    return said

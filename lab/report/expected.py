"""Expectations as rows of a table: the same one of many cohorts is one row. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.judge.model import ExpectationResult, Verdict
from lab.report.groups import resolver_kind, words
from lab.scenario.model import (
    CacheOnPath,
    CauseAtMost,
    Cohort,
    Expectation,
    FailsOnlyWithin,
    Measures,
    NoFailures,
    RecoversWithin,
    RecoveryRatio,
    RescuedByRetry,
    Scenario,
    SlowestRecoversWithin,
)
from lab.topology.model import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One expectation of one or several cohorts, with the same bounds and outcome.

    Attributes:
        text: What was expected.
        count: Of how many cohorts, resolvers, or pairs of cohorts.
        ok: None is unknown.
        low: Lower bound as text, "" if there is none; likewise `high`.
        measured: The measured value, or the least and the greatest.
        why: The arithmetic behind the bounds; of the first one.
        section: Heading that a figure of the run stands under, "" if it is none.
        column: Its column of the matrix, "" if it stands in none.
    """

    text: str
    count: int
    ok: bool | None
    low: str
    measured: str
    high: str
    why: str
    section: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Figures side by side: a row for each section, a column for each thing compared.

    Attributes:
        columns: In the scenario's order.
        rows: Heading, and the figures in each column, one below the other.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Row, ...], ...]], ...]


def matrix(rows: Sequence[Row]) -> Matrix:
    """Return the figures that have a column, as a matrix; empty if none has."""
    placed = [row for row in rows if row.column]
    columns = tuple(dict.fromkeys(row.column for row in placed))
    sections = dict.fromkeys(row.section for row in placed)
    return Matrix(
        columns=columns,
        rows=tuple(
            (
                section,
                tuple(
                    tuple(r for r in placed if (r.section, r.column) == (section, c))
                    for c in columns
                ),
            )
            for section in sections
        ),
    )


def is_of_users(scenario: Scenario) -> bool:
    """Tell whether a story is about all who are watched, rather than about figures."""
    named = {name for e in scenario.expectations for name in _cohorts(e)}
    watched = {cohort.name for cohort in scenario.watch}
    return bool(watched) and watched <= named


def figures(verdict: Verdict, scenario: Scenario) -> tuple[Row, ...]:
    """Return the figures that the scenario reads off the run, in its order."""
    return tuple(
        Row(
            text=expected.text,
            count=1,
            ok=result.ok,
            low=_shown(result.low, expected.unit),
            measured=_shown(result.measured, expected.unit),
            high=_shown(result.high, expected.unit),
            why=result.why,
            section=expected.section,
            column=expected.column,
        )
        for expected, result in zip(
            scenario.expectations, verdict.expectations, strict=True
        )
        if isinstance(expected, Measures)
    )


def rows(
    verdict: Verdict, scenario: Scenario, topology: Topology, *, each: bool = False
) -> tuple[Row, ...]:
    """Return the rows in the scenario's order; all alone if `each`, or if not ok.

    Figures are not among them; they have a table of their own.
    """
    watch = _Watch(
        cohorts={c.name: c for c in scenario.watch},
        kinds={c.resolver: resolver_kind(topology, c.resolver) for c in scenario.watch},
    )
    alike: dict[object, list[_Checked]] = {}
    for checked in zip(scenario.expectations, verdict.expectations, strict=True):
        expected, result = checked
        if isinstance(expected, Measures):
            continue
        unit = _unit(expected)
        bounds = _shown(result.low, unit), _shown(result.high, unit)
        alone = each or not result.ok
        key = len(alike) if alone else (watch.text((expected,)), bounds)
        alike.setdefault(key, []).append(checked)
    return tuple(_row(members, watch) for members in alike.values())


_Checked = tuple[Expectation, ExpectationResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """Who watches, to say of whom an expectation is."""

    cohorts: Mapping[str, Cohort]
    kinds: Mapping[str, str]

    def text(self, members: Sequence[Expectation]) -> str:
        """Return the text of expectations alike, which names none of them.

        That of a single one leaves out the kind of resolver too.
        """
        text = members[0].text
        for name, general in self._general(members):
            text = text.replace(name, general, 1)
        return text

    def _general(self, members: Sequence[Expectation]) -> Iterator[tuple[str, str]]:
        """Yield each name in the text of the first, and what stands for all."""
        match members[0]:
            case RecoversWithin(cohort=name) | FailsOnlyWithin(cohort=name):
                yield name, self._subject(name, members)
            case NoFailures(cohort=name):
                yield name, self._subject(name, members)
            case RecoveryRatio(slow=slow, fast=fast):
                yield slow, self._subject(slow, members)
                yield fast, self.cohorts[fast].qname
            case CacheOnPath(resolver=resolver):
                yield resolver, "each resolver"
            case SlowestRecoversWithin(cohorts=cohorts):
                yield self.cohorts[cohorts[0]].resolver, "each resolver"

    def _subject(self, name: str, members: Sequence[Expectation]) -> str:
        qname = self.cohorts[name].qname
        if len(members) == 1:
            return qname
        kinds = frozenset(
            self.kinds[self.cohorts[cohort].resolver]
            for expected in members
            for cohort in _cohorts(expected)
        )
        rivals = frozenset(
            self.kinds[c.resolver] for c in self.cohorts.values() if c.qname == qname
        )
        return qname if kinds == rivals else f"{qname} ({words(kinds, rivals)})"


def _cohorts(expected: Expectation) -> tuple[str, ...]:
    match expected:
        case RecoversWithin(cohort=name) | FailsOnlyWithin(cohort=name):
            return (name,)
        case NoFailures(cohort=name) | RecoveryRatio(slow=name):
            return (name,)
        case _:
            return ()


def _row(members: Sequence[_Checked], watch: _Watch) -> Row:
    (expected, first), *others = members
    unit = _unit(expected)
    seen = sorted(r.measured for _, r in members if r.measured is not None)
    ends = dict.fromkeys(_shown(value, unit) for value in (seen[:1] + seen[-1:]))
    return Row(
        text=watch.text([e for e, _ in members]) if others else first.text,
        count=len(members),
        ok=first.ok,
        low=_shown(first.low, unit),
        measured=" … ".join(ends),
        high=_shown(first.high, unit),
        why=first.why,
    )


def _unit(expected: Expectation) -> str:
    match expected:
        case RecoveryRatio():
            return "x"
        case CauseAtMost():
            return "%"
        case RescuedByRetry() | NoFailures():
            return ""
        case CacheOnPath():
            return "whole s"
        case _:
            return "s"


def _shown(value: float | None, unit: str) -> str:
    match value, unit:
        case None, _:
            return ""
        case math.inf, _:
            return "never"
        case _, "ms":
            return f"{1000 * value:.1f} ms"
        case _, "%":
            return f"{100 * value:.1f} %"
        case _, "x":
            return f"{value:.1f} x"
        case _, "":
            return f"{value:.4g}"
        case _, "whole s":  # as TTLs are counted
            return f"{value:.1f} s"
    return f"{value:.2f} s"

"""Cohorts that fared alike, as one row of a table or one lane of a picture. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.history import History
from lab.judge.model import CohortResult, Recovery, Verdict
from lab.judge.timeline import (
    CohortRecord,
    NoEvidence,
    records,
    recovery_figures,
    window,
)
from lab.scenario.model import Cause, Scenario
from lab.topology.model import Topology

EVERY = "every"
#: Two clients with the same fate are seen to recover at most this many looks apart.
_LOOKS_APART = 2

Members = tuple[CohortResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cohorts that asked for the same name and fared alike.

    Attributes:
        qname: Served name.
        resolver: Kinds of resolver (what they do with a TTL, or `public`), or `every`.
        behaviour: Of the clients, or `every`.
        side: Access networks.
        cohorts: Names of the cohorts in it.
        recovery: Over all its clients, in seconds; None when one had not recovered
            or nobody knows.
        causes: Mean seconds of outage per client, by cause, in order of time: each
            layer begins to cost where the one before it ends.
        resolution_s: Nothing finer was seen.
    """

    qname: str
    resolver: str
    behaviour: str
    side: str
    cohorts: tuple[str, ...]
    clients: int
    attempts: int
    failed: int
    unrecovered: int
    recovery: Recovery | None
    causes: tuple[tuple[str, float], ...]
    resolution_s: float


def resolver_kind(topology: Topology, resolver: str) -> str:
    """Return a resolver's kind: what it does with a TTL, or `public`."""
    if resolver in {r.name for r in topology.public_resolvers}:
        return "public"
    known = {r.name: r.behaviour.value for r in topology.resolvers}
    return known.get(resolver, resolver)


def groups(
    verdict: Verdict,
    history: History,
    scenario: Scenario,
    topology: Topology,
    *,
    every_cohort: bool = False,
) -> tuple[Group, ...]:
    """Return the groups: by served name, those first who recovered first.

    Cohorts of both sides form a row if they have the same kind of resolver and the
    same behaviour and all lost attempts, or none did. Rows that differ in the kind
    of resolver only, and then in the behaviour only, become one where they fared
    alike: for the same causes, as quickly as can be told apart.

    Args:
        verdict: Of the run.
        history: Of the run; percentiles are taken over a group's clients in it.
        scenario: Who watched.
        topology: Which resolver is of which kind.
        every_cohort: A group for every cohort.
    """
    order = [c.name for c in scenario.watch]
    cohorts = sorted(verdict.cohorts, key=lambda c: order.index(c.cohort))
    table = _Table(
        names=tuple(dict.fromkeys(c.qname for c in cohorts)),
        kinds={c.cohort: resolver_kind(topology, c.resolver) for c in cohorts},
        all_cohorts=tuple(cohorts),
        seen=_seen(history, scenario),
    )
    if every_cohort:
        rows = [table.group((c,), every_cohort=True) for c in cohorts]
    else:
        rows = [table.group(m, every_cohort=False) for m in table.collapsed()]
    return tuple(sorted(rows, key=table.rank))


def _seen(history: History, scenario: Scenario) -> dict[str, CohortRecord]:
    try:
        return records(scenario.watch, history, window(scenario, history))
    except NoEvidence:
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    names: tuple[str, ...]
    kinds: Mapping[str, str]
    all_cohorts: Members
    seen: Mapping[str, CohortRecord]

    def collapsed(self) -> list[Members]:
        """Return the members of each row."""
        atoms: dict[tuple[str, str, str, bool], Members] = {}
        for c in self.all_cohorts:
            key = (c.qname, self.kinds[c.cohort], c.behaviour.value, bool(c.failed))
            atoms[key] = (*atoms.get(key, ()), c)
        by_resolver = self._joined(atoms.values(), _behaviours)
        return self._joined(by_resolver, self._kinds)

    def _joined(
        self, rows: Iterable[Members], same: Callable[[Members], frozenset[str]]
    ) -> list[Members]:
        """Join the rows that fared alike, where `same` of both is equal."""
        kept: list[Members] = []
        for row in rows:
            for i, other in enumerate(kept):
                facts_agree = all(
                    fact(row) == fact(other) for fact in (_names, _sides, same)
                )
                if facts_agree and self._alike(row, other):
                    kept[i] = (*other, *row)
                    break
            else:
                kept.append(row)
        return kept

    def _alike(self, one: Members, other: Members) -> bool:
        if bool(_failed(one)) != bool(_failed(other)):
            return False
        if set(_causes(one)) != set(_causes(other)):
            return False
        a, b = self._recovery(one), self._recovery(other)
        if a is None or b is None:
            return a is b and bool(_unrecovered(one)) == bool(_unrecovered(other))
        apart_s = _LOOKS_APART * _resolution_s((*one, *other))
        return max(abs(a.p50 - b.p50), abs(a.max - b.max)) <= apart_s

    def group(self, members: Members, *, every_cohort: bool) -> Group:
        """Return the group that these cohorts are."""
        first = members[0]
        rivals = tuple(c for c in self.all_cohorts if c.qname == first.qname)
        causes = _causes(members)
        return Group(
            qname=first.qname,
            resolver=(
                first.resolver
                if every_cohort
                else words(self._kinds(members), self._kinds(rivals))
            ),
            behaviour=words(_behaviours(members), _behaviours(rivals)),
            side=", ".join(dict.fromkeys(c.access for c in members)),
            cohorts=tuple(c.cohort for c in members),
            clients=sum(c.clients for c in members),
            attempts=sum(c.attempts for c in members),
            failed=_failed(members),
            unrecovered=_unrecovered(members),
            recovery=self._recovery(members),
            causes=tuple((c.value, causes[c.value]) for c in Cause if c in causes),
            resolution_s=_resolution_s(members),
        )

    def rank(self, row: Group) -> tuple[int, float, float]:
        """Return what rows are sorted by."""
        recovery = row.recovery
        last_s, half_s = (recovery.max, recovery.p50) if recovery else (math.inf, 0.0)
        return self.names.index(row.qname), last_s, half_s

    def _kinds(self, members: Members) -> frozenset[str]:
        return frozenset(self.kinds[c.cohort] for c in members)

    def _recovery(self, members: Members) -> Recovery | None:
        parts = [self.seen[c.cohort] for c in members if c.cohort in self.seen]
        return _recovery(parts)


def _names(members: Members) -> frozenset[str]:
    return frozenset(c.qname for c in members)


def _sides(members: Members) -> frozenset[str]:
    return frozenset(c.access for c in members)


def _behaviours(members: Members) -> frozenset[str]:
    return frozenset(c.behaviour.value for c in members)


def _failed(members: Members) -> int:
    return sum(c.failed for c in members)


def _unrecovered(members: Members) -> int:
    return sum(c.unrecovered for c in members)


def _resolution_s(members: Members) -> float:
    return max(c.resolution_s for c in members)


def _causes(members: Members) -> dict[str, float]:
    clients = sum(c.clients for c in members)
    totals = {
        cause.value: sum(c.causes.get(cause.value, 0.0) * c.clients for c in members)
        for cause in Cause
    }
    return {cause: seconds / clients for cause, seconds in totals.items() if seconds}


def words(values: frozenset[str], all_values: frozenset[str]) -> str:
    """Return some of all values in the fewest words: `every`, `not x`, `x, y`."""
    others = all_values - values
    if len(values) > 1 and not others:
        return EVERY
    if len(values) > 1 and len(others) == 1:
        return f"not {min(others)}"
    return ", ".join(sorted(values))


def _recovery(parts: Sequence[CohortRecord]) -> Recovery | None:
    if not parts:
        return None
    whole = CohortRecord(
        cohort=parts[0].cohort,
        clients=tuple(client for part in parts for client in part.clients),
        absent=sum(part.absent for part in parts),
    )
    return recovery_figures(whole)

"""Cohorts that fared alike, as one row of a table or one lane of a picture. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from lab.history import History
from lab.judge.model import CohortResult, Recovery, Verdict
from lab.judge.timeline import (
    CohortRecord,
    NoEvidence,
    records,
    recovery_figures,
    window,
)
from lab.scenario.model import Cause, Cohort, Scenario
from lab.topology.model import Topology

EVERY = "every"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cohorts with the same name, kind of resolver and behaviour that fared alike.

    Attributes:
        qname: Served name.
        resolver: Kind of resolver (its behaviour, or `public`), or `every`.
        behaviour: Of the clients, or `every`.
        side: Access networks.
        cohorts: Names of the cohorts in it.
        recovery: Over all its clients, in seconds; None when one had not recovered
            or nobody knows.
        causes: Mean seconds of outage per client, by cause, longest first.
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
    """Return the groups in order of served name, resolver and behaviour.

    Args:
        verdict: Of the run.
        history: Of the run; percentiles are taken over a group's clients in it.
        scenario: Who watched.
        topology: Which resolver is of which kind.
        every_cohort: A group for every cohort.
    """
    seen = _records(scenario.watch, history, scenario)

    def key(c: CohortResult) -> tuple[str, ...]:
        if every_cohort:
            return (c.qname, c.resolver, c.behaviour.value, c.access)
        if not c.failed:
            return (c.qname, EVERY, EVERY, "unhurt")
        kind = resolver_kind(topology, c.resolver)
        return (c.qname, kind, c.behaviour.value, "hurt")

    order = {c.name: i for i, c in enumerate(scenario.watch)}
    names = list(dict.fromkeys(c.qname for c in scenario.watch))
    ranked = sorted(
        verdict.cohorts,
        key=lambda c: (names.index(c.qname), key(c), order[c.cohort]),
    )
    return tuple(
        _group(members, seen, topology, every_cohort=every_cohort)
        for members in (list(m) for _, m in groupby(ranked, key))
    )


def _records(
    cohorts: Iterable[Cohort], history: History, scenario: Scenario
) -> dict[str, CohortRecord]:
    try:
        return records(cohorts, history, window(scenario, history))
    except NoEvidence:
        return {}


def _group(
    members: Sequence[CohortResult],
    seen: dict[str, CohortRecord],
    topology: Topology,
    *,
    every_cohort: bool,
) -> Group:
    clients = sum(c.clients for c in members)
    causes = {
        cause.value: sum(c.causes.get(cause, 0.0) * c.clients for c in members)
        for cause in Cause
    }
    longest = sorted(causes.items(), key=lambda item: -item[1])
    return Group(
        qname=members[0].qname,
        resolver=_resolvers(members, topology, every_cohort=every_cohort),
        behaviour=_one_or_every({c.behaviour.value for c in members}),
        side=", ".join(dict.fromkeys(c.access for c in members)),
        cohorts=tuple(c.cohort for c in members),
        clients=clients,
        attempts=sum(c.attempts for c in members),
        failed=sum(c.failed for c in members),
        unrecovered=sum(c.unrecovered for c in members),
        recovery=_recovery([seen[c.cohort] for c in members if c.cohort in seen]),
        causes=tuple((name, s / clients) for name, s in longest if s > 0),
        resolution_s=max(c.resolution_s for c in members),
    )


def _resolvers(
    members: Sequence[CohortResult], topology: Topology, *, every_cohort: bool
) -> str:
    if every_cohort:
        return members[0].resolver
    return _one_or_every({resolver_kind(topology, c.resolver) for c in members})


def _one_or_every(values: set[str]) -> str:
    return values.pop() if len(values) == 1 else EVERY


def _recovery(parts: Sequence[CohortRecord]) -> Recovery | None:
    if not parts:
        return None
    whole = CohortRecord(
        cohort=parts[0].cohort,
        clients=tuple(client for part in parts for client in part.clients),
        absent=sum(part.absent for part in parts),
    )
    return recovery_figures(whole)

"""Why each attempt failed: exactly one cause per failed attempt.

Pure. The rules, for the address that let the attempt down:

- refused for load: `overload`.
- an address that several regions may announce: `withdrawal` until routes have moved,
  `no-path` while a router on the way has no route, else `other`.
- the dead region's own address: `detection` until the last provider has decided;
  then it is a question of who still held the answer: `client-pin` (it, or a
  connection made with it, kept beyond its TTL by the client), `serve-stale` (told by
  a resolver beyond the TTL),
  `resolver-cache` (within the published TTL), `resolver-clamp` (beyond it).
- a name that no checker watches, or that a checker watches too shallowly to see this
  fault, never gets beyond `detection`.
- the address of a balancer in front of the regions: `detection`, for as long as its
  looks may need; then `other`.
- no address at all, because a provider is gone: `no-path`, from resolver to authority.
- anything else: `no-path` if nothing routes it, else `other`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import pairwise

from lab.history import Answer, Attempt, Event, EventKind, History
from lab.judge.timeline import NS, ClientRecord, CohortRecord, Window
from lab.scenario import in_front
from lab.scenario.bounds import ATTEMPT_S, lifetime_s
from lab.scenario.forecast import is_detected
from lab.scenario.model import Cause, Cohort, Fault
from lab.topology.distance import farthest_s
from lab.topology.hybrids import Hybrid
from lab.topology.model import (
    Anycast,
    Resolver,
    ResolverBehaviour,
    Topology,
)

#: TTLs are whole seconds, so the same end of life shows up to this far apart.
_SAME_END_NS = 1_500_000_000

_Key = tuple[str, str, tuple[str, ...]]
Fetches = dict[_Key, list[int]]
Routes = dict[str, list[tuple[int, bool]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Everything that a cause depends on beside the attempt itself.

    Attributes:
        target: Address of the dead region, "" if what died is none.
        decided_ns: When the last provider had declared the region down.
        routes: Per address that several regions may announce, changes of its
            route per router: (moment, whether it is there).
        fetches: Per resolver, name and answer: when it was fetched from an authority.
    """

    topology: Topology
    fault: Fault
    target: str
    judged: Window
    decided_ns: float
    routes: Mapping[str, Routes]
    fetches: Fetches


def attribution(
    topology: Topology,
    fault: Fault,
    history: History,
    judged: Window,
    cohorts: Iterable[Cohort],
) -> Attribution:
    """Return what the causes of this run depend on."""
    shared: tuple[Anycast | Hybrid, ...] = (topology.anycast, *topology.hybrids)
    return Attribution(
        topology=topology,
        fault=fault,
        target=_address(topology, fault.target),
        judged=judged,
        decided_ns=_decided_ns(topology, fault, history, judged),
        routes={
            str(each.address): _routes(each.prefix, history, judged) for each in shared
        },
        fetches=_fetches(topology, history, {c.name: c for c in cohorts}),
    )


def cause(known: Attribution, cohort: Cohort, attempt: Attempt) -> Cause:
    """Return why a failed attempt failed."""
    if attempt.error == "overload":
        return Cause.OVERLOAD
    address = _culprit(known, attempt)
    if address in known.routes:
        return _anycast_cause(known, known.routes[address], cohort, attempt)
    if not address and not known.target:
        return Cause.NO_PATH  # from the resolver to an authority
    if address == known.target:
        return _unicast_cause(known, cohort, attempt)
    balancer = known.topology.global_l4
    if balancer and address == str(balancer.address):
        return _balancer_cause(known, attempt)
    unreachable = any(t.error == "unreachable" for t in attempt.tries)
    return Cause.NO_PATH if unreachable else Cause.OTHER


def failed_by_cause(known: Attribution, record: CohortRecord) -> Counter[Cause]:
    """Return how many attempts of a cohort failed for which cause."""
    return Counter(cause(known, record.cohort, attempt) for attempt in record.failed)


def outage_s(known: Attribution, record: CohortRecord) -> dict[Cause, float]:
    """Return the mean seconds of outage per client, by cause.

    A client's outage lasts from the death of the region (from its first failed
    attempt, if that was earlier) to its recovery; each failed attempt accounts for
    the time from its start to the next failed one's.
    """
    total: dict[Cause, float] = defaultdict(float)
    for client in record.clients:
        for why, seconds in _client_outage(known, record.cohort, client):
            total[why] += seconds / len(record.clients)
    return dict(total)


def _client_outage(
    known: Attribution, cohort: Cohort, client: ClientRecord
) -> list[tuple[Cause, float]]:
    failed, judged = client.failed, known.judged
    if not failed:
        return []
    first = max(judged.fault_ns, min(judged.death_ns, failed[0].start_ns))
    edges_s = [judged.seconds(first)]
    edges_s += [*(judged.seconds(a.start_ns) for a in failed[1:]), client.low_s]
    return [
        (cause(known, cohort, attempt), max(0.0, end_s - start_s))
        for attempt, (start_s, end_s) in zip(failed, pairwise(edges_s), strict=True)
    ]


def _culprit(known: Attribution, attempt: Attempt) -> str:
    """Return the address that let the attempt down: the one that should have lived.

    A try that was called off let nobody down.
    """
    tried = [t.address for t in attempt.tries if t.error not in ("", "cancelled")]
    alive = [a for a in tried if a not in {known.target, *known.routes}]
    # All of them lead to the dead region, but shared addresses are mended first.
    mended = [address for address in tried if address in known.routes]
    return (alive or mended or tried or [""])[-1]


def _anycast_cause(
    known: Attribution, routes: Routes, cohort: Cohort, attempt: Attempt
) -> Cause:
    access = next(a for a in known.topology.access if a.name == cohort.access)
    near = (access.name, access.transit) if known.target else tuple(routes)
    changes = sorted(change for router in near for change in routes.get(router, ()))
    if not changes:
        return Cause.OTHER
    if attempt.start_ns < changes[0][0]:
        return Cause.WITHDRAWAL
    before = [there for at_ns, there in changes if at_ns <= attempt.start_ns]
    if not before[-1]:
        return Cause.NO_PATH
    settled_ns = max(at for moves in routes.values() for at, _ in moves)
    return Cause.WITHDRAWAL if attempt.start_ns <= settled_ns else Cause.OTHER


def _balancer_cause(known: Attribution, attempt: Attempt) -> Cause:
    """Return why an attempt by way of the balancer in front of the regions failed.

    It is in the way of the bytes: what it has seen needs no time to take effect.
    """
    decides = in_front.detection(known.topology.timers, round_trip_s=0.0)
    late_s = decides.high_s + farthest_s(known.topology)
    in_time = known.judged.seconds(attempt.start_ns) <= late_s
    return Cause.DETECTION if known.target and in_time else Cause.OTHER


def _unicast_cause(known: Attribution, cohort: Cohort, attempt: Attempt) -> Cause:
    alive_until_ns = known.judged.death_ns - known.judged.uncertainty_ns
    if attempt.answer is None or attempt.start_ns < alive_until_ns - _s_to_ns(
        ATTEMPT_S
    ):
        return Cause.OTHER
    undetected = not is_detected(known.topology, cohort.qname, known.fault)
    if undetected or attempt.start_ns < known.decided_ns:
        return Cause.DETECTION
    answer, timers = attempt.answer, known.topology.timers_of(cohort.qname)
    if answer.source == "pin" or _outlives(attempt, answer):
        return Cause.CLIENT_PIN
    behaviour = _resolver(known.topology, cohort.resolver).behaviour
    match _origin(known, cohort, answer):
        case _Origin(stale=True) if behaviour is ResolverBehaviour.SERVE_STALE:
            return Cause.SERVE_STALE
        case _Origin(stale=False, fetched_ns=fetched_ns):
            # A resolver keeps an answer up to a second longer than its TTL, and a
            # fetch that is known from whole seconds of TTL was up to one later.
            age_ns = attempt.start_ns - fetched_ns
            clamps = behaviour is ResolverBehaviour.CLAMPING
            if clamps and age_ns > _s_to_ns(timers.ttl_s + 1):
                return Cause.RESOLVER_CLAMP
            if age_ns <= _s_to_ns(timers.ttl_s + 2):
                return Cause.RESOLVER_CACHE
    return Cause.OTHER


def _outlives(attempt: Attempt, answer: Answer) -> bool:
    """Tell whether a kept connection is used past the TTL of what led to it."""
    return answer.source == "connection" and attempt.start_ns >= _end_ns(answer)


@dataclass(frozen=True, slots=True)
class _Origin:
    fetched_ns: int
    stale: bool


def _origin(known: Attribution, cohort: Cohort, answer: Answer) -> _Origin | None:
    """Return when the resolver had fetched an answer, and whether it outlived it."""
    fetches = known.fetches.get(_key(cohort, answer), [])
    life_ns = _life_ns(known.topology, cohort)
    begun_ns = _end_ns(answer) - life_ns
    nearest_ns = min(fetches, key=lambda f: abs(begun_ns - f), default=None)
    if nearest_ns is not None and abs(begun_ns - nearest_ns) <= _SAME_END_NS:
        return _Origin(nearest_ns, stale=False)
    earlier = [fetched_ns for fetched_ns in fetches if fetched_ns <= answer.received_ns]
    return _Origin(max(earlier), stale=True) if earlier else None


def _fetches(
    topology: Topology, history: History, cohorts: Mapping[str, Cohort]
) -> Fetches:
    """Reconstruct the fetches: answers with the same end of life are of one fetch."""
    seen: dict[_Key, list[int]] = defaultdict(list)
    for attempt in history.attempts:
        cohort, answer = cohorts.get(attempt.cohort), attempt.answer
        if cohort and answer and _shows_its_fetch(topology, cohort, answer):
            life_ns = _life_ns(topology, cohort)
            seen[_key(cohort, answer)].append(_end_ns(answer) - life_ns)
    return {key: _distinct(moments) for key, moments in seen.items()}


def _shows_its_fetch(topology: Topology, cohort: Cohort, answer: Answer) -> bool:
    """Tell whether the TTL left is that of a life begun at the fetch.

    It is not that of a stale answer, nor is any above the resolver's own limit.
    """
    resolver = _resolver(topology, cohort.resolver)
    timers = topology.timers_of(cohort.qname)
    lowest_s = -1
    if resolver.behaviour is ResolverBehaviour.SERVE_STALE:
        lowest_s = min(timers.stale_answer_ttl_s, timers.ttl_s - 1)
    return lowest_s < answer.ttl_s <= lifetime_s(timers, resolver)


def _distinct(moments: list[int]) -> list[int]:
    kept: list[int] = []
    for moment in sorted(moments):
        if not kept or moment - kept[-1] > _SAME_END_NS:
            kept.append(moment)
    return kept


def _decided_ns(
    topology: Topology, fault: Fault, history: History, judged: Window
) -> float:
    """Return when the last provider declared the region down; infinite if one never."""
    first: dict[str, int] = {}
    for event in history.events:
        if is_down(event, fault.target) and event.at_ns >= judged.fault_ns:
            first.setdefault(event.node, event.at_ns)
    return max(first.get(p.name, math.inf) for p in topology.zone.providers)


def is_down(event: Event, region: str) -> bool:
    """Tell whether a provider declares the region down by this event."""
    facts = (event.detail.get("target"), event.detail.get("state"))
    return event.kind is EventKind.HEALTH and facts == (region, "down")


def _routes(prefix: IPv4Network, history: History, judged: Window) -> Routes:
    routes: Routes = defaultdict(list)
    for event in history.events:
        if (
            event.kind is EventKind.ROUTE
            and event.detail.get("prefix") == str(prefix)
            and judged.fault_ns - judged.uncertainty_ns <= event.at_ns <= judged.end_ns
        ):
            there = event.detail.get("change") != "removed"
            routes[event.node].append((event.at_ns, there))
    return dict(routes)


def _key(cohort: Cohort, answer: Answer) -> _Key:
    return cohort.resolver, cohort.qname, tuple(sorted(answer.addresses))


def _end_ns(answer: Answer) -> int:
    return answer.received_ns + _s_to_ns(answer.ttl_s)


def _life_ns(topology: Topology, cohort: Cohort) -> int:
    timers = topology.timers_of(cohort.qname)
    return _s_to_ns(lifetime_s(timers, _resolver(topology, cohort.resolver)))


def _address(topology: Topology, target: str) -> str:
    regions = {region.name: str(region.address) for region in topology.regions}
    return regions.get(target, "")


def _resolver(topology: Topology, name: str) -> Resolver:
    return next(r for r in topology.resolvers if r.name == name)


def _s_to_ns(seconds: float) -> int:
    return int(seconds * NS)

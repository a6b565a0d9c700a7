"""Figures, read off a history. Pure.

A figure is an interval wherever the evidence is not exact; missing evidence is
`NoEvidence`, never zero.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch
from itertools import pairwise

from scipy.special import chdtrc

from lab.history import Attempt, Event, EventKind, History, Outcome
from lab.judge.timeline import NS, NoEvidence, Seen, percentile
from lab.scenario import figures as f
from lab.scenario.model import Cohort

#: The same end of a cached answer's life shows up to this far apart in whole seconds.
_SAME_END_NS = 1_500_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What figures are read off: the history, and who watched."""

    history: History
    cohorts: Mapping[str, Cohort]

    def during(self, label: str) -> tuple[int, int]:
        """Return beginning and end of the step with that label.

        Raises:
            NoEvidence: It was not reached, or nothing tells when it ended.
        """
        phases = [e for e in self.history.events if e.kind is EventKind.PHASE]
        for phase, following in pairwise(phases):
            if phase.detail.get("label") == label:
                return phase.at_ns, following.at_ns
        raise NoEvidence(f"the run holds no whole step {label}")

    def burst(self, label: str) -> Event:
        """Return what became of a burst.

        Raises:
            NoEvidence: Nothing tells.
        """
        for event in self.of(EventKind.ASKED):
            if event.detail["label"] == label:
                return event
        raise NoEvidence(f"nothing tells what became of the burst {label}")

    def fault_ns(self, label: str) -> tuple[int, int]:
        """Return the latest moment of a fault, and how much earlier it may have been.

        Raises:
            NoEvidence: It is not in the history.
        """
        for event in self.of(EventKind.FAULT):
            if event.detail.get("label") == label:
                return event.at_ns, event.uncertainty_ns
        raise NoEvidence(f"no event tells of the fault {label}")

    def of(self, kind: EventKind) -> Iterator[Event]:
        """Yield the events of a kind."""
        return (e for e in self.history.events if e.kind is kind)

    def attempts(self, cohorts: Iterable[str], during: str) -> list[Attempt]:
        """Return the attempts of these cohorts that began and ended during a step.

        Raises:
            NoEvidence: There is none.
        """
        begin_ns, end_ns = self.during(during)
        wanted = frozenset(cohorts)
        found = [
            a
            for a in self.history.attempts
            if a.cohort in wanted and begin_ns <= a.start_ns and a.end_ns < end_ns
        ]
        if not found:
            raise NoEvidence(f"no attempt of {', '.join(sorted(wanted))} in {during}")
        return found


@singledispatch
def read(figure: f.Figure, source: Source) -> Seen:
    """Return the figure.

    Raises:
        NoEvidence: The history does not hold what is needed.
    """
    raise TypeError(f"no way to read {figure!r}")


@read.register
def _answer_share(figure: f.AnswerShare, source: Source) -> Seen:
    first = _firsts(source, figure.ask)
    led = sum(first[address] for address in figure.addresses)
    return _exact(led / first.total())


@read.register
def _answer_p(figure: f.AnswerP, source: Source) -> Seen:
    first = _firsts(source, figure.ask)
    if first.keys() - dict(figure.shares).keys():
        return _exact(0.0)  # an address that should never come
    return _exact(chi_square_p(first, dict(figure.shares)))


def chi_square_p(seen: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Return the probability of a spread as uneven as this if `shares` are true.

    Source:
        Pearson's chi-square test of goodness of fit.
    """
    total = sum(seen.values())
    statistic = sum(
        (seen.get(what, 0) - share * total) ** 2 / (share * total)
        for what, share in shares.items()
    )
    return float(chdtrc(len(shares) - 1, statistic))


@read.register
def _rotation(figure: f.Rotation, source: Source) -> Seen:
    burst = source.burst(figure.ask).detail
    return _exact(burst["moves"] / (_answered(burst, figure.ask) - 1))


@read.register
def _orders(figure: f.Orders, source: Source) -> Seen:
    return _exact(float(len(source.burst(figure.ask).detail["orders"])))


@read.register
def _answer_scope(figure: f.AnswerScope, source: Source) -> Seen:
    scopes = [int(scope) for scope in source.burst(figure.ask).detail["scopes"]]
    if not scopes:
        raise NoEvidence(f"no answer to {figure.ask} tells its scope")
    return Seen(low=float(min(scopes)), high=float(max(scopes)))


@read.register
def _unanswered(figure: f.Unanswered, source: Source) -> Seen:
    burst = source.burst(figure.ask).detail
    return _exact(1 - burst["answered"] / burst["asked"])


@read.register
def _answer_time(figure: f.AnswerTime, source: Source) -> Seen:
    burst = source.burst(figure.ask).detail
    _answered(burst, figure.ask)
    return _exact(burst["rtt_ms"][f"p{figure.percent}"] / 1000)


@read.register
def _answered_for(figure: f.AnsweredFor, source: Source) -> Seen:
    wanted = sorted(figure.addresses)
    runs = source.burst(figure.ask).detail["runs"]
    held = [run for run in runs if sorted(run["addresses"]) == wanted]
    gap_ns = _gap_ns(source.burst(figure.ask).detail)
    least = sum(run["last_ns"] - run["first_ns"] for run in held)
    return Seen(low=least / NS, high=(least + 2 * gap_ns * len(held)) / NS)


@read.register
def _answered_with(figure: f.AnsweredWith, source: Source) -> Seen:
    wanted = sorted(figure.addresses)
    runs = source.burst(figure.ask).detail["runs"]
    held = (r["count"] for r in runs if sorted(r["addresses"]) == wanted)
    return _exact(float(sum(held)))


@read.register
def _left_after(figure: f.LeftAfter, source: Source) -> Seen:
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    runs = source.burst(figure.ask).detail["runs"]
    holding = [
        run
        for run in runs
        if figure.address in run["addresses"] and run["last_ns"] >= fault_ns
    ]
    after = [
        run
        for run in runs
        if figure.address not in run["addresses"] and run["first_ns"] >= fault_ns
    ]
    if not after:
        return Seen(low=math.inf, high=math.inf)
    last_ns = max(
        (r["last_ns"] for r in holding if r["last_ns"] < after[0]["first_ns"]),
        default=fault_ns,
    )
    return Seen(
        low=(last_ns - fault_ns) / NS,
        high=(after[0]["first_ns"] - fault_ns + uncertainty_ns) / NS,
    )


@read.register
def _changes(figure: f.Changes, source: Source) -> Seen:
    runs = source.burst(figure.ask).detail["runs"]
    sets = [sorted(run["addresses"]) for run in runs]
    return _exact(float(sum(a != b for a, b in pairwise(sets))))


@read.register
def _upstream(figure: f.Upstream, source: Source) -> Seen:
    queries = _queries(source, figure)
    return _exact(float(sum(figure.provider in ("", e.node) for e in queries)))


@read.register
def _subnets_told(figure: f.SubnetsTold, source: Source) -> Seen:
    told = {e.detail["subnet"] for e in _queries(source, figure)}
    return _exact(float(len(told - {""})))


@read.register
def _prefix_told(figure: f.PrefixTold, source: Source) -> Seen:
    told = {e.detail["subnet"] for e in _queries(source, figure)} - {""}
    return _exact(float(max((int(s.partition("/")[2]) for s in told), default=0)))


@read.register
def _foreign(figure: f.Foreign, source: Source) -> Seen:
    carried = list(source.of(EventKind.CARRIED))
    if not carried:
        raise NoEvidence("nothing was captured at the authorities")
    if any(not e.detail["dns"] for e in carried):
        raise NoEvidence("a capture at an authority holds no DNS at all")
    return _exact(float(sum(e.detail["foreign"] for e in carried)))


@read.register
def _requests(figure: f.Requests, source: Source) -> Seen:
    return _exact(float(len(source.attempts(figure.cohorts, figure.during))))


@read.register
def _failed_share(figure: f.FailedShare, source: Source) -> Seen:
    attempts = source.attempts(figure.cohorts, figure.during)
    failed = sum(
        a.outcome is Outcome.FAIL and figure.error in ("", a.error) for a in attempts
    )
    unknown = sum(a.outcome is Outcome.INFO for a in attempts)
    total = len(attempts)
    return Seen(low=failed / total, high=(failed + unknown) / total)


@read.register
def _served_share(figure: f.ServedShare, source: Source) -> Seen:
    good = _good(source, figure.cohorts, figure.during)
    return _exact(
        sum(_is_from(a, figure.region, figure.backend) for a in good) / len(good)
    )


@read.register
def _served_p(figure: f.ServedP, source: Source) -> Seen:
    first: dict[str, str] = {}
    for attempt in _good(source, figure.cohorts, figure.during):
        first.setdefault(attempt.client, attempt.region)
    return _exact(chi_square_p(Counter(first.values()), dict(figure.shares)))


@read.register
def _served_spread(figure: f.ServedSpread, source: Source) -> Seen:
    begin_ns, end_ns = source.during(figure.during)
    size_ns = int(figure.window_s * NS)
    windows: dict[int, list[bool]] = defaultdict(list)
    for attempt in _good(source, figure.cohorts, figure.during):
        number = (attempt.start_ns - begin_ns) // size_ns
        if begin_ns + (number + 1) * size_ns <= end_ns:
            windows[number].append(_is_from(attempt, figure.region, figure.backend))
    if len(windows) < 2:
        raise NoEvidence(f"{figure.during} is too short for two windows")
    shares = [sum(hits) / len(hits) for hits in windows.values()]
    return _exact(max(shares) - min(shares))


@read.register
def _unanimity(figure: f.Unanimity, source: Source) -> Seen:
    same: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for attempt in source.attempts(figure.cohorts, figure.during):
        if attempt.answer is None or not attempt.tries:
            continue
        cohort = source.cohorts[attempt.cohort]
        end_ns = attempt.answer.received_ns + attempt.answer.ttl_s * NS
        used = attempt.tries[0].address
        same[cohort.resolver, cohort.qname].append((end_ns, used))
    generations = [g for uses in same.values() for g in _generations(uses)]
    if not generations:
        raise NoEvidence(f"no attempt in {figure.during} used an answer")
    agreeing = sum(max(Counter(g).values()) for g in generations)
    return _exact(agreeing / sum(len(g) for g in generations))


def _generations(uses: list[tuple[int, str]]) -> Iterator[list[str]]:
    """Yield the addresses used of each stay of an answer in a resolver's cache."""
    first_ns, current = -math.inf, list[str]()
    for end_ns, used in sorted(uses):
        if end_ns - first_ns > _SAME_END_NS:
            if current:
                yield current
            first_ns, current = end_ns, []
        current.append(used)
    yield current


@read.register
def _oldest_answer(figure: f.OldestAnswer, source: Source) -> Seen:
    ages = [
        (a.start_ns - a.answer.received_ns) / NS
        for a in source.attempts(figure.cohorts, figure.during)
        if a.answer is not None
    ]
    if not ages:
        raise NoEvidence(f"no attempt in {figure.during} used an answer")
    return _exact(max(0.0, *ages))


@read.register
def _attempt_time(figure: f.AttemptTime, source: Source) -> Seen:
    times = sorted(
        (a.end_ns - a.start_ns) / NS
        for a in _good(source, figure.cohorts, figure.during)
        if not figure.rescued or len(a.tries) > 1
    )
    if not times:
        raise NoEvidence(f"no attempt in {figure.during} was rescued")
    return _exact(percentile(times, figure.percent))


@read.register
def _connect_time(figure: f.ConnectTime, source: Source) -> Seen:
    times = sorted(
        t.connect_ms / 1000
        for a in _good(source, figure.cohorts, figure.during)
        for t in a.tries
        if t.connect_ms is not None
    )
    if not times:
        raise NoEvidence(f"no attempt in {figure.during} tells its connect time")
    return _exact(percentile(times, figure.percent))


@read.register
def _last_failure(figure: f.LastFailure, source: Source) -> Seen:
    fault_ns, uncertainty_ns = source.fault_ns(figure.fault)
    attempts = source.attempts(figure.cohorts, figure.during)
    failed = [a.start_ns for a in attempts if a.outcome is Outcome.FAIL]
    unsure = [a.start_ns for a in attempts if a.outcome is not Outcome.OK]
    return Seen(
        low=max((max(failed, default=fault_ns) - fault_ns) / NS, 0.0),
        high=(max(unsure, default=fault_ns) - fault_ns + uncertainty_ns) / NS,
    )


@read.register
def _irrevocable(figure: f.Irrevocable, source: Source) -> Seen:
    fault_ns, _ = source.during(figure.during)
    decided: dict[str, int] = {}
    for event in source.of(EventKind.HEALTH):
        facts = (event.detail["target"], event.detail["state"])
        if facts == (figure.region, "down") and event.at_ns >= fault_ns:
            decided.setdefault(event.node, event.at_ns)
    if not decided:
        raise NoEvidence(f"no provider declared {figure.region} down")
    attempts = source.attempts(figure.cohorts, figure.during)
    failed = (a.start_ns for a in attempts if a.outcome is Outcome.FAIL)
    last_ns = max(decided.values())
    return _exact(max(0.0, (max(failed, default=last_ns) - last_ns) / NS))


@read.register
def _peak_askers(figure: f.PeakAskers, source: Source) -> Seen:
    begin_ns, _ = source.during(figure.during)
    asked = sorted(
        {
            (a.answer.received_ns, a.client)
            for a in source.attempts(figure.cohorts, figure.during)
            if a.answer is not None and a.answer.received_ns >= begin_ns
        }
    )
    if not asked:
        raise NoEvidence(f"nobody asked a resolver in {figure.during}")
    most, first = 0, 0
    for last, (at_ns, _) in enumerate(asked):
        while at_ns - asked[first][0] >= NS:
            first += 1
        most = max(most, len({client for _, client in asked[first : last + 1]}))
    return _exact(float(most))


@read.register
def _processor(figure: f.Processor, source: Source) -> Seen:
    looks = list(source.of(EventKind.LOAD))
    if len(looks) < 2:
        raise NoEvidence("nobody looked at the nodes' processor time")
    first, last = looks[0], looks[-1]
    elapsed_s = (last.at_ns - first.at_ns) / NS
    return _exact(
        max(
            (last.detail["cpu_s"][node] - first.detail["cpu_s"][node]) / elapsed_s
            for node in figure.nodes
        )
    )


@read.register
def _over(figure: f.Over, source: Source) -> Seen:
    top, bottom = read(figure.top, source), read(figure.bottom, source)
    if bottom.low <= 0:
        raise NoEvidence("what is divided by is nothing")
    return Seen(low=top.low / bottom.high, high=top.high / bottom.low)


def _exact(value: float) -> Seen:
    return Seen(low=value, high=value)


def _answered(burst: Mapping[str, int], label: str) -> int:
    if burst["answered"] < 2:
        raise NoEvidence(f"{label}: {burst['answered']} answers are too few")
    return burst["answered"]


def _firsts(source: Source, label: str) -> Counter[str]:
    burst = source.burst(label).detail
    _answered(burst, label)
    return Counter(burst["first"])


def _gap_ns(burst: Mapping[str, int]) -> float:
    return (burst["end_ns"] - burst["start_ns"]) / max(burst["asked"], 1)


_Asked = f.Upstream | f.SubnetsTold | f.PrefixTold


def _queries(source: Source, figure: _Asked) -> list[Event]:
    if not any(True for _ in source.of(EventKind.CARRIED)):
        raise NoEvidence("nothing was captured at the authorities")
    begin_ns, end_ns = source.during(figure.during)
    return [
        e
        for e in source.of(EventKind.UPSTREAM)
        if e.detail["name"] == figure.qname
        and figure.resolver in ("", e.detail["resolver"])
        and begin_ns <= e.at_ns < end_ns
    ]


def _good(source: Source, cohorts: Iterable[str], during: str) -> list[Attempt]:
    good = [a for a in source.attempts(cohorts, during) if a.outcome is Outcome.OK]
    if not good:
        raise NoEvidence(f"no attempt in {during} worked")
    return good


def _is_from(attempt: Attempt, region: str, backend: str) -> bool:
    return region in ("", attempt.region) and backend in ("", attempt.backend)

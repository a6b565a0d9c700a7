"""Figures about bursts of questions. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from scipy.special import chdtrc

from lab.judge.source import Source, exact
from lab.judge.timeline import NS, NoEvidence, Seen
from lab.scenario import figures as f


def answer_share(figure: f.AnswerShare, source: Source) -> Seen:
    first = _firsts(source, figure.ask)
    led = sum(first[address] for address in figure.addresses)
    return exact(led / first.total())


def answer_p(figure: f.AnswerP, source: Source) -> Seen:
    first = _firsts(source, figure.ask)
    if first.keys() - dict(figure.shares).keys():
        return exact(0.0)  # an address that should never come
    return exact(chi_square_p(first, dict(figure.shares)))


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


def rotation(figure: f.Rotation, source: Source) -> Seen:
    burst = source.burst(figure.ask).detail
    return exact(burst["moves"] / (_answered(burst, figure.ask) - 1))


def orders(figure: f.Orders, source: Source) -> Seen:
    return exact(float(len(source.burst(figure.ask).detail["orders"])))


def answer_scope(figure: f.AnswerScope, source: Source) -> Seen:
    scopes = [int(scope) for scope in source.burst(figure.ask).detail["scopes"]]
    if not scopes:
        raise NoEvidence(f"no answer to {figure.ask} tells its scope")
    return Seen(low=float(min(scopes)), high=float(max(scopes)))


def unanswered(figure: f.Unanswered, source: Source) -> Seen:
    burst = source.burst(figure.ask).detail
    return exact(1 - burst["answered"] / burst["asked"])


def answer_time(figure: f.AnswerTime, source: Source) -> Seen:
    burst = source.burst(figure.ask).detail
    _answered(burst, figure.ask)
    return exact(burst["rtt_ms"][f"p{figure.percent}"] / 1000)


def answered_for(figure: f.AnsweredFor, source: Source) -> Seen:
    wanted = sorted(figure.addresses)
    runs = source.burst(figure.ask).detail["runs"]
    held = [run for run in runs if sorted(run["addresses"]) == wanted]
    gap_ns = _gap_ns(source.burst(figure.ask).detail)
    least = sum(run["last_ns"] - run["first_ns"] for run in held)
    return Seen(low=least / NS, high=(least + 2 * gap_ns * len(held)) / NS)


def answered_with(figure: f.AnsweredWith, source: Source) -> Seen:
    wanted = sorted(figure.addresses)
    runs = source.burst(figure.ask).detail["runs"]
    held = (r["count"] for r in runs if sorted(r["addresses"]) == wanted)
    return exact(float(sum(held)))


def left_after(figure: f.LeftAfter, source: Source) -> Seen:
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


def changes(figure: f.Changes, source: Source) -> Seen:
    runs = source.burst(figure.ask).detail["runs"]
    sets = [sorted(run["addresses"]) for run in runs]
    return exact(float(sum(a != b for a, b in pairwise(sets))))


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

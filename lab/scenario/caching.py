"""How often resolvers ask, how long answers outlive their truth, what retries cost.

Pure. When clients recover is in `lab.scenario.bounds`.
"""

from __future__ import annotations

import math
from types import MappingProxyType

from lab.scenario.bounds import PRIMING_S, ROUNDINGS, lifetime_s
from lab.scenario.model import Bound
from lab.topology.model import Resolver, Timers

#: How long a resolver may wait for a provider that answered well until now before it
#: asks another one; each measured. unbound and BIND may ask the same one twice.
RETRIES_S = MappingProxyType({"unbound": 1.2, "recursor": 1.5, "bind": 1.6})
#: How long a client waits for its resolver, its one retransmission included.
STUB_S = 0.8


def period_s(timers: Timers, resolver: Resolver) -> float:
    """Return how long after a fetch the next one is, for a name always asked for."""
    return lifetime_s(timers, resolver) + ROUNDINGS[resolver.daemon].late_s


def fetches(
    timers: Timers, resolver: Resolver, *, for_s: float, every_s: float
) -> tuple[int, int, str]:
    """Return how often a resolver fetches a name within a time, and why.

    It was fetched just before. An answer is used to its end, and the next question
    comes up to `every_s` later.
    """
    life, rounding = lifetime_s(timers, resolver), ROUNDINGS[resolver.daemon]
    longest = life + rounding.late_s + every_s
    shortest = (life - rounding.early_s) or every_s  # then nothing is cached at all
    low, high = math.floor((for_s - PRIMING_S) / longest), math.ceil(for_s / shortest)
    why = (
        f"{for_s:g} s in lives of {shortest:g} to {longest:g} s: cached for {life} s "
        f"in whole seconds, asked for again up to {every_s:.2g} s later"
    )
    return low, high, why


def after_correction(timers: Timers, resolver: Resolver, *, interval_s: float) -> Bound:
    """Return how long a wrong answer is used after the authority stopped giving it.

    Not at all if it had ended by chance, a whole life if it was fetched just before.
    """
    life, rounding = lifetime_s(timers, resolver), ROUNDINGS[resolver.daemon]
    high = life + rounding.late_s + rounding.copy_s + interval_s
    why = (
        f"no authority can recall an answer: fetched just before, it lives {life} s "
        "in whole seconds"
    )
    return Bound(low_s=0.0, high_s=high, why=why)


def retry_cost(
    timers: Timers, resolver: Resolver, *, for_s: float, interval_s: float
) -> tuple[float, float, str]:
    """Return the share of attempts that fail while one of several providers is gone.

    A resolver that asks the dead one first waits before it asks another; clients that
    are less patient than it fail for that long, once per fetch.
    """
    wait_s = RETRIES_S[resolver.daemon]
    _, high, _ = fetches(timers, resolver, for_s=for_s, every_s=interval_s)
    lost_s = high * (wait_s + interval_s)
    why = (
        f"up to {high} fetches, each up to {wait_s:g} s at the dead provider first; "
        f"a client waits {STUB_S:g} s"
    )
    return 0.0, min(1.0, lost_s / for_s), why


def late_stale_cost(
    timers: Timers, resolver: Resolver, *, for_s: float, clients: int, interval_s: float
) -> tuple[float, float, str]:
    """Return the share of attempts that fail while a resolver tries before it is stale.

    Each time that a stale answer has ended it tries anew, longer than a client waits.
    """
    patience_s = resolver.stale_after_s
    if patience_s <= STUB_S:
        return 0.0, 0.0, "it serves what it had at once, stale (RFC 8767)"
    cycle_s = timers.stale_answer_ttl_s + patience_s
    tries = math.ceil(for_s / cycle_s) + 1
    low = 1 / (clients * for_s / interval_s)
    why = (
        f"it tries for {patience_s:g} s before it serves what it had, and a client "
        f"waits {STUB_S:g} s; the stale answer is good for "
        f"{timers.stale_answer_ttl_s} s"
    )
    return low, min(1.0, tries * (patience_s + interval_s) / for_s), why

"""How often resolvers ask, how long answers outlive their truth, what retries cost.

Pure. When clients recover is in `lab.scenario.bounds`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from types import MappingProxyType

from lab.scenario.bounds import (
    ATTEMPT_S,
    CHECKERS,
    IN_FLIGHT_S,
    PRIMING_S,
    ROUNDINGS,
    lifetime_s,
    stale_answer_ttl_s,
    tells_stale_first,
)
from lab.scenario.chance import share_bounds
from lab.scenario.model import Bound
from lab.topology.model import Provider, Resolver, ResolverBehaviour
from lab.topology.timers import Check, Timers

#: How long a resolver may wait for a provider that answered well until now before it
#: asks another one; each measured. BIND may ask the same one twice. unbound waits 50 ms
#: and twice as long each time while it may choose the dead one, which it leaves alone
#: only 400 ms behind the best: 50, 100 and 200 ms, then 400, and 800 as its repetition.
RETRIES_S = MappingProxyType({"unbound": 1.55, "recursor": 1.5, "bind": 1.6})
#: How long it waits at least, from the first question that such a provider leaves
#: unanswered. unbound doubles a wait that begins with its estimate of the round trip.
#: Source: `RTT_MIN_TIMEOUT` of unbound 1.26; `network-timeout` of Recursor 5.2; BIND
#: 9.20, measured.
FIRST_WAITS_S = MappingProxyType({"unbound": 0.05, "recursor": 1.5, "bind": 0.8})
#: How long unbound serves stale at once after it has tried in vain (RFC 8767, section
#: 5, "failure recheck timer"). Source: `NORR_TTL` of unbound 1.26.
RECHECK_S = 5
#: How long a client waits for its resolver, its one retransmission included.
STUB_S = 0.8


def period_s(timers: Timers, resolver: Resolver) -> float:
    """Return how long after a fetch the next one is, for a name always asked for."""
    return lifetime_s(timers, resolver) + ROUNDINGS[resolver.daemon].late_s


def fetches(
    timers: Timers,
    resolver: Resolver,
    *,
    for_s: float,
    every_s: float,
    primed: bool = False,
) -> tuple[int, int, str]:
    """Return how often a resolver fetches a name within a time, and why.

    An answer is used to its end, and the next question comes up to `every_s` later.
    Lives are counted in whole seconds: what one loses by that, the next does not lose
    again.

    Args:
        timers: Of the name.
        resolver: Who holds the answer.
        for_s: How long that time is.
        every_s: From one question to the next.
        primed: Whether it was fetched just before; else the time may begin with that.
    """
    life, rounding = lifetime_s(timers, resolver), ROUNDINGS[resolver.daemon]
    longest = life + rounding.late_s + every_s
    low = math.floor((for_s - PRIMING_S) / longest)
    lost_s = rounding.early_s + (PRIMING_S if primed else 0.0)
    high = math.floor((for_s + lost_s) / life) + (not primed)
    why = (
        f"{for_s:g} s in lives of {life} to {longest:.3g} s, the first up to "
        f"{lost_s:g} s shorter: counted in whole seconds, asked for again up to "
        f"{every_s:.2g} s later"
    )
    return low, high, why


def least_draws(
    timers: Timers, resolvers: Iterable[Resolver], *, for_s: float, every_s: float
) -> int:
    """Return how many answers decide for several resolvers' users, at least."""
    return sum(fetches(timers, r, for_s=for_s, every_s=every_s)[0] for r in resolvers)


def always_asked(
    timers: Timers, resolver: Resolver, *, for_s: float, answers: int
) -> tuple[int, str]:
    """Return how often a resolver fetches a name that it is asked for all the time.

    Nothing of it is cached before, and the time ends in the middle of a life.

    Args:
        timers: Of the name.
        resolver: Who is asked.
        for_s: How long it is asked.
        answers: How many it caches side by side: one for each scope that authorities
            give for the subnets that it tells (RFC 7871, section 7.3.1).

    Source:
        Ours: an answer costs one query at first and one per life, whoever asks. Chen,
        Sitaraman, Torres, "End-User Mapping" (SIGCOMM 2015), saw 8 times the queries
        with client subnets; here the factor is `answers`.
    """
    every_s = period_s(timers, resolver)
    number = answers * (1 + math.floor(for_s / every_s))
    return (
        number,
        f"{answers} cached, each fetched at first and then once per {every_s:g} s",
    )


def seen_well_s(providers: tuple[Provider, ...], check: Check) -> float:
    """Return within which time every provider answers with a region that is well again.

    One good check is enough.
    """
    publish_s = max(CHECKERS[p.daemon].publish_s for p in providers)
    return check.interval_s + IN_FLIGHT_S + publish_s


def none_cached(
    negative_ttl_s: int, resolver: Resolver, *, well_s: float, every_s: float
) -> Bound:
    """Return for how long a resolver says that there is no address, asked all the time.

    It learned so at the first question, and learns so again until the authorities say
    otherwise, which they all do `well_s` after that question. What is seen lies
    between answers that come `every_s` and take a moment.

    Source:
        RFC 2308, section 5.
    """
    rounding = ROUNDINGS[resolver.daemon]
    low, high = negative_ttl_s - rounding.early_s, negative_ttl_s + rounding.late_s
    seen_s = every_s + IN_FLIGHT_S
    why = f"that there is none is cached for {negative_ttl_s} s (RFC 2308)"
    if well_s > low:
        high += well_s
        why += f", and learned again for up to {well_s:g} s"
    return Bound(low_s=low - seen_s, high_s=high + seen_s + every_s, why=why)


def greatest_part(
    timers: Timers,
    resolver: Resolver,
    *,
    age_s: float,
    for_s: float,
    interval_s: float,
) -> tuple[float, float, str]:
    """Return the greatest share of a time's requests that follow one cached answer.

    Args:
        timers: Of the name.
        resolver: Who holds the answer.
        age_s: How old it is at the beginning, counted from the priming.
        for_s: How long that time is.
        interval_s: The users' pace.
    """
    life, rounding = lifetime_s(timers, resolver), ROUNDINGS[resolver.daemon]
    shortest = life - rounding.early_s
    longest = life + rounding.late_s + rounding.copy_s
    # What is left of the first one, or a later one, whole if there is time for it.
    least_left, most_left = shortest - age_s - PRIMING_S, longest - age_s
    if least_left >= for_s:
        return 1.0, 1.0, f"one answer, cached for {life} s, outlives the {for_s:g} s"
    low = max(least_left, min(shortest, for_s - most_left)) - interval_s
    high = max(most_left, min(longest, for_s - least_left)) + interval_s
    why = (
        f"one answer, cached for {life} s, decides for {max(low, 0):.3g} to "
        f"{min(high, for_s):.3g} of {for_s:g} s: shares are set in such steps"
    )
    return max(0.0, low) / for_s, min(1.0, high / for_s), why


def undivided(
    timers: Timers,
    resolvers: Collection[Resolver],
    *,
    regions: int,
    age_s: float,
    for_s: float,
    every_s: float,
) -> tuple[float, float, str]:
    """Return the share of resolvers whose users all go to one of some equal regions.

    Args:
        timers: Of the name.
        resolvers: Each draws by itself, whenever it fetches.
        regions: How many have the same weight.
        age_s: How old the answers are at the beginning, counted from the priming.
        for_s: How long that time is.
        every_s: How soon a resolver is asked again for what has ended.
    """
    kept_s = min(lifetime_s(timers, r) - ROUNDINGS[r.daemon].early_s for r in resolvers)
    if kept_s - age_s - PRIMING_S >= for_s:
        why = f"the first answer lives for {kept_s:g} s at least: nobody draws again"
        return 1.0, 1.0, why
    draws = 1 + min(
        fetches(timers, r, for_s=for_s, every_s=every_s)[0] for r in resolvers
    )
    chance = regions ** (1.0 - draws)
    # Whoever draws more often divides its users more surely: that has no lower side.
    high = share_bounds(chance, len(resolvers))[1] if draws > 1 else 1.0
    why = (
        f"{draws} draws at least of each in {for_s:g} s, all alike in 1 of "
        f"{1 / chance:g} times"
    )
    return 0.0, high, why


def after_correction(
    timers: Timers,
    resolver: Resolver,
    *,
    failing: Bound,
    corrected: Bound,
    publish_s: float,
    interval_s: float,
) -> Bound:
    """Return how long a wrong answer is used after the authorities knew better.

    Args:
        timers: Of the name.
        resolver: Who holds the answer.
        failing: When users last fail by it.
        corrected: When the last authority decides that it is wrong.
        publish_s: How long an authority may go on giving it after that.
        interval_s: The users' pace.
    """
    life, rounding = lifetime_s(timers, resolver), ROUNDINGS[resolver.daemon]
    longest = publish_s + life + rounding.late_s + rounding.copy_s + interval_s
    low = max(0.0, failing.low_s - corrected.high_s)
    high = min(longest, failing.high_s - corrected.low_s)
    why = (
        f"no authority can recall an answer: last used {failing.low_s:.3g} to "
        f"{failing.high_s:.3g} s after the fault, corrected after "
        f"{corrected.low_s:.3g} to {corrected.high_s:.3g} s, and given for up to "
        f"{publish_s:g} s more; it lives {life} s"
    )
    return Bound(low_s=low, high_s=high, why=why)


def first_questions(resolver: Resolver, *, nearest: bool, round_trip_s: float) -> Bound:
    """Return how long the slowest of some first questions takes, one provider gone.

    Args:
        resolver: Who is asked.
        nearest: Whether no other provider is as near as the dead one.
        round_trip_s: The longest one to any provider.
    """
    least_s, most_s = FIRST_WAITS_S[resolver.daemon], RETRIES_S[resolver.daemon]
    high = most_s + 2 * round_trip_s + IN_FLIGHT_S
    told = f"up to {most_s:g} s at the dead provider, two round trips to the other"
    if tells_stale_first(resolver):
        return Bound(low_s=0.0, high_s=high, why=f"at once, if stale; else {told}")
    if not nearest:
        return Bound(low_s=0.0, high_s=high, why=f"the nearest one lives; else {told}")
    why = f"the nearest one is dead, and it waits {least_s:g} s at least; {told}"
    return Bound(low_s=least_s, high_s=high, why=why)


def outlived(
    timers: Timers,
    resolver: Resolver,
    *,
    for_s: float,
    interval_s: float,
    round_trip_s: float,
) -> tuple[float, float, str]:
    """Return the share of attempts that fail while one of several providers is gone.

    A resolver that asks the dead one first waits before it asks another. Who asks it
    in that time fails, but for the end of it that a client is patient enough for.
    """
    wait_s = RETRIES_S[resolver.daemon]
    failing_s = max(0.0, wait_s + 2 * round_trip_s - STUB_S)
    _, number, _ = fetches(timers, resolver, for_s=for_s, every_s=interval_s)
    each = math.floor(failing_s / interval_s) + 1
    made = (for_s - ATTEMPT_S) / interval_s
    why = (
        f"up to {number} fetches, each up to {wait_s:g} s at the dead provider first; "
        f"a client waits {STUB_S:g} s, so {each} attempts of each fail"
    )
    return 0.0, min(1.0, number * each / made) if made > 0 else 1.0, why


def asked_again(
    timers: Timers, resolver: Resolver, *, for_s: float, interval_s: float
) -> tuple[int, str]:
    """Return how often a resolver asks a living provider at least, others being gone.

    Before it asks this one it may wait at those that are gone.
    """
    every_s = _copies_outlive_s(timers, resolver) + interval_s
    wait_s = RETRIES_S[resolver.daemon]
    low, _, _ = fetches(timers, resolver, for_s=for_s - wait_s, every_s=every_s)
    life = lifetime_s(timers, resolver)
    why = (
        f"its answer lives {life} s, a client's copy and pace add {every_s:g} s, and "
        f"the dead provider costs up to {wait_s:g} s; how often it repeats a query is "
        "its own affair"
    )
    return low, why


def asked_once_s(timers: Timers, resolver: Resolver, *, interval_s: float) -> float:
    """Return within which time `asked_again` is once, counted from any moment."""
    copies_s = _copies_outlive_s(timers, resolver)
    life_s = period_s(timers, resolver) + copies_s + interval_s
    return life_s + RETRIES_S[resolver.daemon] + PRIMING_S


def _copies_outlive_s(timers: Timers, resolver: Resolver) -> float:
    """Return how much longer than a resolver's answer its clients' copies may live."""
    rounding_s = ROUNDINGS[resolver.daemon].copy_s
    if resolver.behaviour is not ResolverBehaviour.SERVE_STALE:
        return rounding_s
    told_s = stale_answer_ttl_s(timers, resolver)
    return max(rounding_s, told_s - lifetime_s(timers, resolver))


def gives_up_s(resolver: Resolver, *, providers: int) -> float:
    """Return how long a resolver tries at most before it takes all for dead."""
    return providers * RETRIES_S[resolver.daemon]


def late_stale_cost(
    timers: Timers, resolver: Resolver, *, for_s: float, clients: int, interval_s: float
) -> tuple[float, float, str]:
    """Return the share of attempts that fail while a resolver tries before it is stale.

    Each time that a stale answer has ended it tries anew, longer than a client waits.
    At least the client that asked first then fails, in each of its attempts until one
    is patient enough; others may still have a copy, or join the wait at its end.
    """
    patience_s = resolver.stale_after_s
    if patience_s <= STUB_S:
        return 0.0, 0.0, "it serves what it had at once, stale (RFC 8767)"
    told_s = stale_answer_ttl_s(timers, resolver)
    cycle_s = told_s + patience_s
    tries = math.ceil(for_s / cycle_s) + 1
    spared_s = RECHECK_S if told_s < RECHECK_S else 0
    longest_s = told_s + spared_s + patience_s + interval_s
    missed = math.floor(for_s / longest_s) * math.floor(
        (patience_s - STUB_S) / interval_s
    )
    low = missed / (clients * for_s / interval_s)
    why = (
        f"it tries for {patience_s:g} s before it serves what it had, and a client "
        f"waits {STUB_S:g} s; the stale answer is good for {told_s} s, so in "
        f"{for_s:g} s at least {missed} attempts of one client fail"
    )
    return low, min(1.0, tries * (patience_s + interval_s) / for_s), why

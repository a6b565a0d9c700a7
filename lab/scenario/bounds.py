"""How long each layer takes to notice and forget a dead region, computed.

Pure functions from timers to `Bound`s in seconds after the fault, with the
arithmetic in words. Says nothing about which client depends on which layer: that is
in `lab.scenario.forecast`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

from lab.scenario.model import Bound, FaultKind
from lab.topology.model import Provider, Resolver, ResolverBehaviour
from lab.topology.timers import (
    LOOK_EVERY_S,
    LOOK_FALL,
    Bfd,
    Bgp,
    Check,
    Timers,
)

#: Deaths of which neighbours hear nothing.
SILENT = frozenset({FaultKind.POWER_OFF, FaultKind.HANG, FaultKind.ISOLATE})
#: From the loss of one route to the last kernel that forwards elsewhere: a few BGP
#: updates without pause (BIRD has no MRAI) and route changes, on a busy machine.
CONVERGENCE_S = 0.3
#: What one router needs to take a route out of its kernel once a neighbour is missed.
REMOVAL_S = 0.03
#: How much of a timer BIRD starts it with, at least.
HOLD_JITTER = 0.75
#: A request that works is answered by then, so one that a fault cuts off began at
#: most this long before it.
IN_FLIGHT_S = 0.25
#: Longest life of an attempt: none begun earlier is still under way.
ATTEMPT_S = 1.0
#: Caches count as primed when the last answer is in; the first may then show up to
#: this much less than its full time to live.
PRIMING_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """What whole seconds do to a TTL; each value measured on the daemon itself.

    Attributes:
        early_s: How much sooner than its TTL an answer leaves the cache, at most.
        late_s: How much later, at most.
        copy_s: How much a stub's copy, made with a whole-second TTL, outlives it.
    """

    early_s: float
    late_s: float
    copy_s: float


#: BIND 9.20, Recursor 5.2, unbound 1.26 and dnsmasq 2.91 drop an answer within its last
#: second but never hand out less than TTL 1 (unbound up to 1.22 kept it through that
#: second, with TTL 0). dnsmasq copies such a TTL 1 from whom it asks.
ROUNDINGS = MappingProxyType(
    {
        "bind": Rounding(early_s=1.0, late_s=0.0, copy_s=1.0),
        "dnsmasq": Rounding(early_s=1.0, late_s=1.0, copy_s=1.0),
        "recursor": Rounding(early_s=1.0, late_s=0.0, copy_s=1.0),
        "unbound": Rounding(early_s=1.0, late_s=0.0, copy_s=1.0),
    }
)


#: For how long Recursor extends a record's life each time that it serves it stale.
RECURSOR_STALE_S = 30
#: Brands that can serve stale before they have tried; measured, docs/resolvers.md.
STALE_AT_ONCE = frozenset({"unbound", "bind"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """How a provider's daemon turns failed checks into another answer.

    Attributes:
        counts: It waits for `threshold` failures in a row.
        publish_s: From its decision to its answers, at most.
    """

    counts: bool
    publish_s: float


#: PowerDNS 4.9 has no `minimumFailures` (5.0 does): one failed check decides.
#: gdnsd 3.8 collects decisions for a second before its answers follow.
CHECKERS = MappingProxyType(
    {
        "pdns": Checker(counts=False, publish_s=0.0),
        "gdnsd": Checker(counts=True, publish_s=1.0),
    }
)


def bfd_detection(bfd: Bfd) -> Bound:
    """Return when a neighbour misses a router that fell silent.

    The last packet came up to one interval before the silence.

    Source:
        RFC 5880, section 6.8.4; measured with BIRD 2: 0.43 to 0.50 s at 100 ms x 5.
    """
    interval_s, m = bfd.interval_ms / 1000, bfd.multiplier
    low, high = (m - 1) * interval_s, m * interval_s
    why = (
        f"BFD gives up {m} x {interval_s:g} s after the last packet, which came up to "
        f"{interval_s:g} s before the silence: {low:g} to {high:g} s"
    )
    return Bound(low_s=low, high_s=high, why=why)


def hold_expiry(bgp: Bgp) -> Bound:
    """Return when BGP alone misses a neighbour that fell silent.

    Source:
        RFC 4271, sections 4.4 (a KEEPALIVE each third of the hold time) and 10 (timers
        start up to a quarter short); `bgp_start_timer` of BIRD 2.17. Measured: the
        route goes within 20 ms of the timer's end, whether the neighbour's kernel
        answers or not.
    """
    keepalive_s = bgp.hold_s / 3
    low, high = HOLD_JITTER * bgp.hold_s - keepalive_s, float(bgp.hold_s)
    why = (
        f"the hold timer of {HOLD_JITTER * bgp.hold_s:g} to {bgp.hold_s} s runs from "
        f"the last KEEPALIVE, up to {keepalive_s:g} s before the silence"
    )
    return Bound(low_s=low, high_s=high, why=why)


def silence(timers: Timers) -> Bound:
    """Return when neighbours miss a router that died and said nothing."""
    if timers.bfd.enabled:
        return bfd_detection(timers.bfd)
    return hold_expiry(timers.bgp)


def looked_dead() -> Bound:
    """Return when a balancer gives up one of those behind it that refuses at once."""
    return looks(LOOK_FALL, LOOK_EVERY_S)


def looks(fall: int, interval_s: float) -> Bound:
    """Return when so many looks in a row were bad; the first is within an interval."""
    low, high = (fall - 1) * interval_s, fall * interval_s + IN_FLIGHT_S
    why = (
        f"{fall} bad looks in a row, one each {interval_s:g} s: {low:g} to "
        f"{fall * interval_s:g} s, and {IN_FLIGHT_S:g} s for the looks themselves"
    )
    return Bound(low_s=low, high_s=high, why=why)


def unanswered_s(timers: Timers, kind: FaultKind) -> float:
    """Return for how long a dead region leaves checks without a reply, at least.

    One that is refused fails at once; so does one that begins when the route is gone.
    """
    return silence(timers).low_s if kind in SILENT else 0.0


def check_detection(
    daemon: str, check: Check, *, round_trip_s: float = 0.0, silent_s: float = 0.0
) -> Bound:
    """Return when a provider's answers leave a dead region.

    The first failed check begins within one interval of the fault, or was under way:
    one that works takes two round trips to the region, and a moment there. Until the
    route is gone a check hangs to its timeout, then it fails at once.

    Args:
        daemon: The provider's.
        check: How it checks.
        round_trip_s: To the region.
        silent_s: How long checks hang at least (`unanswered_s`).
    """
    checker = CHECKERS[daemon]
    needed = check.threshold if checker.counts else 1
    interval_s, timeout_s = check.interval_s, check.timeout_s
    begun_s = (needed - 1) * interval_s - IN_FLIGHT_S - 2 * round_trip_s
    low = max(0.0, min(begun_s + timeout_s, max(begun_s, silent_s)))
    high = needed * interval_s + timeout_s + checker.publish_s
    counted = f"{needed} failed checks in a row" if needed > 1 else "one failed check"
    why = (
        f"{counted}, one each {interval_s} s: {needed - 1} x {interval_s} s if the "
        f"first was under way, else {needed} x {interval_s} s + {timeout_s} s timeout"
    )
    if low > max(0.0, begun_s):
        why += f"; none is refused within {silent_s:g} s"
    if checker.publish_s:
        why += f" + {checker.publish_s:g} s until answers follow"
    return Bound(low_s=low, high_s=high, why=why)


def detection(
    providers: tuple[Provider, ...], check: Check, *, round_trip_s: float = 0.0
) -> Bound:
    """Return from when an answer may, and when it must, leave the dead region.

    A resolver may ask any provider, so this spans the fastest and the slowest; none
    is farther from the region than `round_trip_s`.
    """
    each = {
        p.name: check_detection(p.daemon, check, round_trip_s=round_trip_s)
        for p in providers
    }
    fastest = min(each, key=lambda name: each[name].low_s)
    slowest = max(each, key=lambda name: each[name].high_s)
    low, high = each[fastest].low_s, each[slowest].high_s
    why = (
        f"{fastest} decides after {low:g} s at the earliest, {slowest} after {high:g} s"
    )
    return Bound(low_s=low, high_s=high, why=f"{why} at the latest")


def lifetime_s(timers: Timers, resolver: Resolver) -> int:
    """Return how long a resolver keeps an answer: the TTL, or its minimum TTL."""
    if resolver.behaviour is ResolverBehaviour.CLAMPING:
        return max(timers.ttl_s, timers.clamp_s)
    return timers.ttl_s


def tells_stale_first(resolver: Resolver) -> bool:
    """Tell whether a resolver gives an answer that has ended once more, at once.

    Those that try for a fresh one first give none while the authorities are well.
    """
    at_once = resolver.daemon in STALE_AT_ONCE and not resolver.stale_after_s
    return resolver.behaviour is ResolverBehaviour.SERVE_STALE and at_once


def cache_recovery(
    timers: Timers,
    resolver: Resolver,
    *,
    detected: Bound,
    age_s: float,
    interval_s: float,
    way_s: float = 0.0,
    asking_s: float = 0.0,
) -> Bound:
    """Return when the clients of a resolver get an answer that works.

    The dead answer leaves the cache at its end; fetched again before the providers
    decided, it comes back for another life.

    Args:
        timers: Of the name.
        resolver: Whom the clients ask.
        detected: When the providers decide.
        age_s: How old the cached answer is at the fault.
        interval_s: The clients' pace.
        way_s: How long before it reaches the resolver a question began.
        asking_s: How long after a question its answer comes, fetched by the resolver.
    """
    life, rounding = lifetime_s(timers, resolver), ROUNDINGS[resolver.daemon]
    left = life - age_s
    low, high, again = _first_renewal_after(
        replace(detected, low_s=detected.low_s - (asking_s - way_s)),
        first=(left - rounding.early_s - PRIMING_S, left + rounding.late_s),
        period=(life - rounding.early_s, life + rounding.late_s),
        delay_s=rounding.copy_s + interval_s + asking_s,
    )
    low -= way_s
    why = (
        f"cached for {life} s, {age_s:g} s old at the fault: {left:g} s left, counted "
        f"in whole seconds, then one attempt each {interval_s:g} s"
    )
    if asking_s:
        why += f", asking for up to {asking_s:g} s"
    if again:
        why += f"; fetched again up to {again} x before the last provider decided"
    if tells_stale_first(resolver):
        stale_s = stale_answer_ttl_s(timers, resolver)
        high += stale_s + interval_s + asking_s
        why += f"; whoever asks first gets it {stale_s} s more, stale"
    return Bound(low_s=max(0.0, low), high_s=high, why=why)


def stale_answer_ttl_s(timers: Timers, resolver: Resolver) -> int:
    """Return the TTL that a stale answer is told with.

    Source:
        unbound 1.26: `serve-expired-reply-ttl` is capped by the record's own TTL.
        Recursor 5.2: `recordcache.serve_stale_extensions` are of 30 s each, or of the
        record's own TTL if that is shorter; nobody can set it.
    """
    match resolver.daemon:
        case "unbound":
            return min(timers.stale_answer_ttl_s, timers.ttl_s)
        case "recursor":
            return min(RECURSOR_STALE_S, timers.ttl_s)
        case _:
            return timers.stale_answer_ttl_s


def stale_recovery(timers: Timers, resolver: Resolver, recovery: Bound) -> Bound:
    """Return when the one that got the stale answer recovers, the slowest of all."""
    low = recovery.low_s + stale_answer_ttl_s(timers, resolver)
    why = f"{recovery.why}: this one"
    return Bound(low_s=low, high_s=recovery.high_s, why=why)


def pinned_recovery(
    timers: Timers,
    recovery: Bound,
    *,
    age_s: float,
    interval_s: float,
    asking_s: float = 0.0,
) -> Bound:
    """Return when clients recover that keep an address for `pin_s`.

    Each pins at its first attempt after priming, when it is answered, and asks again
    when the pin is over; what the resolver then holds, it pins again. `recovery` is
    that of the resolver's other clients.
    """
    left = timers.pin_s - age_s
    low, high, again = _first_renewal_after(
        recovery,
        first=(left - PRIMING_S, left + interval_s + asking_s),
        period=(timers.pin_s, timers.pin_s),
        delay_s=interval_s + asking_s,
    )
    why = (
        f"pinned for {timers.pin_s} s at the first attempt after priming, "
        f"{age_s:g} s before the fault: {left:g} s left, one attempt each "
        f"{interval_s:g} s"
    )
    if again:
        why += f"; pinned again up to {again} x, its resolver answers: {recovery.why}"
    return Bound(low_s=max(0.0, low), high_s=high, why=why)


def _first_renewal_after(
    event: Bound,
    *,
    first: tuple[float, float],
    period: tuple[float, float],
    delay_s: float,
) -> tuple[float, float, int]:
    """Return when the first renewal after `event` takes effect, and how many are lost.

    The thing in hand ends within `first`; it is renewed at most `delay_s` later. A
    renewal before `event` brings the old thing back, for a `period`.
    """
    low, latest = first
    while latest + delay_s < event.low_s:
        low, latest = low + period[0], latest + delay_s + period[1]
    low = max(low, event.low_s)
    earliest, high = first[0], first[1] + delay_s
    again = 0
    limit = event.high_s + period[1] + delay_s
    while earliest < event.high_s and high < limit:
        earliest, high = earliest + period[0], high + period[1] + delay_s
        high, again = min(high, limit), again + 1
    return low, high, again

"""The pieces that scenarios about a dying region share: who watches, what is expected.

Pure. One cohort's fate is in `lab.scenario.forecast`; here are all of them together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, forecast
from lab.scenario.model import (
    Behaviour,
    Bound,
    CacheOnPath,
    Cause,
    CauseAtMost,
    Cohort,
    DetectedWithin,
    Expectation,
    FailsOnlyWithin,
    Fault,
    FaultKind,
    RecoversWithin,
    RecoveryRatio,
    RescuedByRetry,
    SlowestRecoversWithin,
)
from lab.topology.distance import round_trips_s
from lab.topology.model import (
    AnycastName,
    Failover,
    ResolverBehaviour,
    RoundRobin,
    ServedName,
    Topology,
)

#: The proof that caches are on the path ends this long before the fault.
BEFORE_FAULT_S = 0.5
#: A TTL counts in whole seconds, so the proof needs at least this long to see it.
MIN_AGE_S = 2.0
#: Observation goes on this long after the last bound: a recovery has to last.
AFTER_LAST_BOUND_S = 3.0
#: Share of failed attempts without a known cause above which the lab is at fault.
OTHER_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many clients a cohort has, and how often each attempts."""

    clients: int
    interval_ms: int

    @property
    def interval_s(self) -> float:
        """The interval in seconds."""
        return self.interval_ms / 1000


def region_or_first(topology: Topology, name: str) -> str:
    """Return the name, or the first region's if it is empty.

    Raises:
        InvalidInput: There is no such region.
    """
    names = [region.name for region in topology.regions]
    if name and name not in names:
        problem = Problem(what=f'target is "{name}"', allowed=", ".join(names))
        raise InvalidInput((problem,))
    return name or names[0]


def age_or_third(topology: Topology, age_s: float) -> float:
    """Return the age of cached answers at the fault, a third of the TTL if it is 0.

    Raises:
        InvalidInput: Too young to prove the cache, or no longer cached.
    """
    ttl_s = topology.timers.ttl_s
    age_s = age_s or ttl_s / 3
    highest = ttl_s - MIN_AGE_S
    if not MIN_AGE_S <= age_s <= highest:
        what = f"age_s is {age_s:g} (ttl_s is {ttl_s})"
        allowed = f"{MIN_AGE_S:g} to {highest:g}, so ttl_s at least {3 * MIN_AGE_S:g}"
        raise InvalidInput((Problem(what=what, allowed=allowed),))
    return age_s


def cohorts(
    topology: Topology,
    policy: type[ServedName],
    pace: Pace,
    *,
    behaviours: tuple[Behaviour, ...],
) -> Iterator[Cohort]:
    """Yield a cohort per name of this policy, network, resolver in reach, behaviour."""
    names = [name.name for name in topology.zone.names if isinstance(name, policy)]
    for access in topology.access:
        for qname in names:
            for resolver in (*access.resolvers, *topology.public_resolvers):
                for behaviour in behaviours:
                    yield Cohort(
                        name=f"{access.name}/{qname}/{resolver.name}/{behaviour}",
                        access=access.name,
                        resolver=resolver.name,
                        behaviour=behaviour,
                        qname=qname,
                        clients=pace.clients,
                        interval_ms=pace.interval_ms,
                    )


def expectations(
    topology: Topology, watch: tuple[Cohort, ...], fault: Fault
) -> tuple[Expectation, ...]:
    """Return everything that must be true of a run in which this fault happens."""
    seen = {cohort: forecast.outlook(topology, cohort, fault) for cohort in watch}
    recovery = {c: o.recovery for c, o in seen.items() if o.recovery}
    return (
        *_caches_on_path(topology, watch),
        *_detected(topology, fault),
        *(e for outlook in seen.values() for e in outlook.expectations),
        *_stale_holders(topology, fault, recovery),
        *_rescues(topology, watch, fault),
        *_ratios(topology, recovery),
        CauseAtMost(
            text=f"at most {OTHER_SHARE:.0%} of failed attempts without a known cause",
            cause=Cause.OTHER,
            share=OTHER_SHARE,
            why="more of them is a defect of the lab",
        ),
    )


def observe_s(expected: tuple[Expectation, ...], fault: Fault) -> float:
    """Return how long to watch after the fault: beyond the last bound."""
    last = max(
        (
            e.bound.high_s
            for e in expected
            if isinstance(e, RecoversWithin | SlowestRecoversWithin | FailsOnlyWithin)
        ),
        default=0.0,
    )
    return max(last, fault.drain_s) + AFTER_LAST_BOUND_S


def _caches_on_path(
    topology: Topology, watch: tuple[Cohort, ...]
) -> Iterator[CacheOnPath]:
    checked = {n.name for n in topology.zone.names if isinstance(n, Failover)}
    pairs = dict.fromkeys((c.resolver, c.qname) for c in watch if c.qname in checked)
    for resolver, qname in pairs:
        yield CacheOnPath(
            text=f"{resolver} answers {qname} from its cache before the fault",
            resolver=resolver,
            qname=qname,
            why="the TTL counts down by the time that passes; no authority is asked",
        )


def _detected(topology: Topology, fault: Fault) -> Iterator[DetectedWithin]:
    for provider in topology.zone.providers:
        yield DetectedWithin(
            text=f"{provider.name} ({provider.daemon}) declares {fault.target} down",
            provider=provider.name,
            region=fault.target,
            bound=bounds.check_detection(
                provider.daemon,
                topology.timers.check,
                round_trip_s=round_trips_s(topology, provider.transit, fault.target)[1],
                silent_s=bounds.unanswered_s(topology.timers, fault.kind),
            ),
        )


def _stale_holders(
    topology: Topology, fault: Fault, recovery: dict[Cohort, Bound]
) -> Iterator[SlowestRecoversWithin]:
    if fault.kind is FaultKind.DRAIN:
        return
    for resolver in topology.resolvers:
        if not bounds.tells_stale_first(resolver):
            continue
        askers = {
            cohort: bound
            for cohort, bound in recovery.items()
            if cohort.resolver == resolver.name
            and cohort.behaviour is not Behaviour.PINNED
            and isinstance(forecast.served_name(topology, cohort.qname), Failover)
        }
        if askers:
            bound = next(iter(askers.values()))
            yield SlowestRecoversWithin(
                text=f"{resolver.name}: whoever asks first after the end is told stale",
                cohorts=tuple(cohort.name for cohort in askers),
                bound=bounds.stale_recovery(topology.timers, resolver, bound),
            )


def _rescues(
    topology: Topology, watch: tuple[Cohort, ...], fault: Fault
) -> Iterator[RescuedByRetry]:
    rescuing = {
        name.name
        for name in topology.zone.names
        if isinstance(name, RoundRobin)
        and fault.target in name.regions
        and len(name.regions) > 1
    }
    names = tuple(
        c.name
        for c in watch
        if c.qname in rescuing and c.behaviour is Behaviour.RETRY_NEXT
    )
    if names:
        yield RescuedByRetry(
            text="retry-next clients meet the dead address and work at the next one",
            cohorts=names,
            why=f"{fault.target}'s address stays in the answer and comes first in some",
        )


def _ratios(
    topology: Topology, recovery: dict[Cohort, Bound]
) -> Iterator[RecoveryRatio]:
    for slow, fast in product(recovery, recovery):
        if not _comparable(topology, slow, fast):
            continue
        low, high, why = ratio(
            recovery[slow], recovery[fast], resolution_s=fast.interval_ms / 1000
        )
        yield RecoveryRatio(
            text=f"{slow.name} takes longer than {fast.name}, by this factor",
            slow=slow.name,
            fast=fast.name,
            low=low,
            high=high,
            why=why,
        )


def ratio(slow: Bound, fast: Bound, *, resolution_s: float) -> tuple[float, float, str]:
    """Return the bounds of slow recovery over fast recovery, and why."""
    fast_low = max(fast.low_s, resolution_s)
    fast_high = max(fast.high_s, resolution_s)
    why = (
        f"{slow.low_s:g} to {slow.high_s:g} s over {fast_low:g} to {fast_high:g} s, "
        f"nothing finer than {resolution_s:g} s being seen"
    )
    return slow.low_s / fast_high, slow.high_s / fast_low, why


def _comparable(topology: Topology, slow: Cohort, fast: Cohort) -> bool:
    """Tell whether two cohorts differ by name only: health-checked DNS, anycast."""
    resolver = forecast.resolver_named(topology, slow.resolver)
    return (
        isinstance(forecast.served_name(topology, slow.qname), Failover)
        and isinstance(forecast.served_name(topology, fast.qname), AnycastName)
        and resolver.behaviour is ResolverBehaviour.HONEST
        and (slow.access, slow.resolver, slow.behaviour)
        == (fast.access, fast.resolver, fast.behaviour)
    )

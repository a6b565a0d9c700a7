"""What a cohort will see when a region dies: which layer it depends on, and the bound.

Pure. The arithmetic of each layer is in `lab.scenario.bounds`; cases that nobody can
predict yield no expectation rather than a wide one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lab.scenario import bounds, in_front, withdrawal
from lab.scenario.model import (
    Behaviour,
    Bound,
    Cohort,
    Expectation,
    FailsOnlyWithin,
    Fault,
    FaultKind,
    NoFailures,
    RecoversWithin,
)
from lab.topology.distance import farthest_s, reached, round_trips_s
from lab.topology.geography import preferred, seen_from
from lab.topology.model import (
    AnycastName,
    Failover,
    Geo,
    GlobalL4Name,
    Probe,
    PublicResolver,
    Resolver,
    RoundRobin,
    ServedName,
    Topology,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The expectations for one cohort, and the bound of its recovery if it has one."""

    expectations: tuple[Expectation, ...] = ()
    recovery: Bound | None = None


def served_name(topology: Topology, qname: str) -> ServedName:
    """Return the served name; `KeyError` if there is none."""
    return topology.served(qname)


def is_detected(topology: Topology, qname: str, fault: Fault) -> bool:
    """Tell whether the providers' checks of a name see a fault of a region.

    A shallow one does not see a brown-out; but no check passes without a route.
    """
    if fault.kind is FaultKind.WITHDRAW:
        return False
    match served_name(topology, qname):
        case Failover(probe=Probe.DEEP) | Geo(failover=True, probe=Probe.DEEP):
            return True
        case Failover() | Geo(failover=True):
            browned_out = fault.kind is FaultKind.BROWN_OUT
            return not browned_out or route_goes(topology, fault)
    return False


def route_goes(topology: Topology, fault: Fault) -> bool:
    """Tell whether what announces a region withdraws it for a fault of its service.

    What befalls only some of a region is no reason to.
    """
    if fault.target not in {region.name for region in topology.regions}:
        return False
    announce = topology.announce_of(fault.target)
    return withdrawal.is_withdrawn(announce, withdrawal.SEEN_AT[fault.kind])


def resolver_named(topology: Topology, name: str) -> Resolver:
    """Return the resolver of that name; `KeyError` if there is none."""
    return {resolver.name: resolver for resolver in topology.resolvers}[name]


def catchment(topology: Topology, access: str) -> frozenset[str]:
    """Return the regions that an access network reaches over the fewest transits.

    More than one means a tie, which only the routers' tie-breakers decide.
    """
    return reached(topology, access, (region.name for region in topology.regions))


def drain_s(topology: Topology, *, interval_s: float) -> float:
    """Return how long a drain waits so that honest DNS clients have left.

    The slowest provider's decision, one TTL for an answer fetched just before it, one
    attempt interval, in which that answer arrives too.
    """
    timers, farthest = topology.timers, farthest_s(topology)
    detected = bounds.detection(
        topology.zone.providers, timers.check, round_trip_s=farthest
    )
    return detected.high_s + timers.ttl_s + max(interval_s, 2 * farthest)


def asking_s(topology: Topology, cohort: Cohort) -> float:
    """Return how long a question of a cohort travels at most, as links declare it.

    To its resolver and back, and from there to whom that asks.
    """
    resolver = resolver_named(topology, cohort.resolver)
    return 2 * _way_s(topology, cohort) + _fetching_s(topology, resolver)


def _way_s(topology: Topology, cohort: Cohort) -> float:
    place = place_of(topology, resolver_named(topology, cohort.resolver))
    return round_trips_s(topology, cohort.access, place)[1] / 2


def _fetching_s(topology: Topology, resolver: Resolver) -> float:
    place = place_of(topology, resolver)
    if resolver.forwards_to:
        other = resolver_named(topology, resolver.forwards_to)
        there_s = round_trips_s(topology, place, place_of(topology, other))[1]
        return there_s + _fetching_s(topology, other)
    providers = topology.zone.providers
    return max(round_trips_s(topology, place, p.transit)[1] for p in providers)


def place_of(topology: Topology, resolver: Resolver) -> str:
    """Return the transit or access network of a resolver."""
    if isinstance(resolver, PublicResolver):
        return resolver.transit
    return next(a.name for a in topology.access if resolver in a.resolvers)


def outlook(topology: Topology, cohort: Cohort, fault: Fault) -> Outlook:
    """Return what this cohort will see of this fault."""
    match served_name(topology, cohort.qname):
        case AnycastName():
            return _anycast(topology, cohort, fault)
        case _ if fault.kind is FaultKind.WITHDRAW:
            return _unhurt(cohort, "only the anycast route goes")
        case GlobalL4Name():
            return _balanced(topology, cohort, fault)
        case Failover() if fault.at_age_s is None:
            return Outlook()  # it depends on the age of what caches hold
        case Failover() if cohort.behaviour is Behaviour.POOL:
            return Outlook()  # when its connection was made, and so where to, is chance
        case Failover(regions=(first, *_)) if first == fault.target:
            return _failover(topology, cohort, fault)
        case Geo(failover=True, anycast=False) as name if fault.at_age_s is not None:
            return _steered(topology, name, cohort, fault)
        case Failover():
            why = f"{fault.target} is not in the answer while the first region is well"
            return _unhurt(cohort, why)
        case RoundRobin() as name if cohort.behaviour is Behaviour.RETRY_NEXT:
            return _retried(name, cohort, fault)
        case _:
            return Outlook()


def leaves_within(topology: Topology, cohort: Cohort, fault: Fault) -> Bound:
    """Return when a cohort's DNS answers leave the dead region.

    Raises:
        ValueError: The fault comes at no set age of the caches.
    """
    if fault.at_age_s is None:
        raise ValueError(f"{fault.label} comes at no set age of the caches")
    timers, interval_s = topology.timers_of(cohort.qname), cohort.interval_ms / 1000
    asking = asking_s(topology, cohort)
    recovery = bounds.cache_recovery(
        timers,
        resolver_named(topology, cohort.resolver),
        detected=bounds.detection(
            topology.zone.providers,
            topology.check_of(cohort.qname),
            round_trip_s=farthest_s(topology),
        ),
        age_s=fault.at_age_s,
        interval_s=interval_s,
        way_s=_way_s(topology, cohort),
        asking_s=asking,
    )
    if cohort.behaviour is not Behaviour.PINNED:
        return recovery
    return bounds.pinned_recovery(
        timers,
        recovery,
        age_s=fault.at_age_s,
        interval_s=interval_s,
        asking_s=asking,
    )


def at_worst_s(topology: Topology, cohort: Cohort, fault: Fault) -> float | None:
    """Return how long a cohort may be without service, however old its answer is.

    At worst it was fetched just before the last provider decided. None if nobody can
    say.
    """
    if not is_detected(topology, cohort.qname, fault):
        recovery = outlook(topology, cohort, fault).recovery
        return recovery.high_s if recovery else None
    timers, resolver = topology.timers_of(cohort.qname), cohort.resolver
    asked = resolver_named(topology, resolver)
    rounding = bounds.ROUNDINGS[asked.daemon]
    decided = bounds.detection(
        topology.zone.providers,
        topology.check_of(cohort.qname),
        round_trip_s=farthest_s(topology),
    )
    once_s = cohort.interval_ms / 1000 + asking_s(topology, cohort)
    kept_s = bounds.lifetime_s(timers, asked) + rounding.late_s + rounding.copy_s
    if bounds.tells_stale_first(asked):
        kept_s += bounds.stale_answer_ttl_s(timers, asked) + once_s
    if cohort.behaviour is Behaviour.PINNED:
        kept_s += timers.pin_s + once_s
    return decided.high_s + kept_s + once_s


def _anycast(topology: Topology, cohort: Cohort, fault: Fault) -> Outlook:
    near = catchment(topology, cohort.access)
    if fault.target not in near:
        return _unhurt(cohort, f"its catchment is {', '.join(sorted(near))}")
    if len(near) > 1:
        return Outlook()
    if fault.kind is FaultKind.DRAIN:
        return _unhurt(cohort, "the route goes while the region still serves")
    if fault.kind is FaultKind.WITHDRAW:
        return Outlook()  # how long routers have none depends on who tells whom
    if fault.kind in withdrawal.SEEN_AT and not route_goes(topology, fault):
        return Outlook()  # it stays, and leads to nobody for as long as one looks
    bound = withdrawal.anycast_recovery(
        topology.timers,
        fault.kind,
        interval_s=cohort.interval_ms / 1000,
        way_s=round_trips_s(topology, cohort.access, fault.target)[1] / 2,
        asking_s=asking_s(topology, cohort),
    )
    return _recovers(cohort, "the route moves to the next site", bound)


def _balanced(topology: Topology, cohort: Cohort, fault: Fault) -> Outlook:
    balancer = topology.global_l4
    if balancer is None or fault.target != balancer.regions[0]:
        return Outlook()
    if fault.kind not in {FaultKind.POWER_OFF, FaultKind.ISOLATE}:
        return Outlook()  # what a dying kernel says decides at its first look
    seen = in_front.detection(
        topology.timers,
        round_trip_s=round_trips_s(topology, balancer.transit, fault.target)[1],
    )
    interval_s = cohort.interval_ms / 1000
    way_s = round_trips_s(topology, cohort.access, balancer.transit)[1]
    asking = asking_s(topology, cohort)
    bound = Bound(
        low_s=max(0.0, seen.low_s - way_s - asking),
        high_s=seen.high_s + interval_s,
        why=f"{seen.why}; + one attempt each {interval_s:g} s",
    )
    return _recovers(cohort, "the balancer takes the region out", bound)


def _steered(topology: Topology, name: Geo, cohort: Cohort, fault: Fault) -> Outlook:
    access = next(a for a in topology.access if a.name == cohort.access)
    site = seen_from(topology, resolver_named(topology, cohort.resolver), access)
    if site is None or cohort.behaviour is Behaviour.POOL:
        return Outlook()
    nearest = preferred(topology, name, site)[0]
    if nearest == fault.target:
        return _failover(topology, cohort, fault)
    return _unhurt(cohort, f"{nearest} is the nearest to {site.name}")


def _failover(topology: Topology, cohort: Cohort, fault: Fault) -> Outlook:
    bound = leaves_within(topology, cohort, fault)
    if fault.kind is not FaultKind.DRAIN:
        return _recovers(cohort, _HOLDER[cohort.behaviour], bound)
    stop_s = fault.drain_s
    if bound.high_s <= stop_s:
        return _unhurt(cohort, f"gone before the stop at {stop_s:g} s: {bound.why}")
    if bound.low_s < stop_s + cohort.interval_ms / 1000:
        return Outlook()  # it may or may not have an attempt between stop and leaving
    window = Bound(
        low_s=stop_s - bounds.ATTEMPT_S,
        high_s=bound.high_s,
        why=f"the region stops {stop_s:g} s after the drain began; {bound.why}",
    )
    outlived = FailsOnlyWithin(
        text=f"{cohort.name}: outlives the drain, fails only after the stop",
        cohort=cohort.name,
        bound=window,
    )
    late = _recovers(cohort, _HOLDER[cohort.behaviour], bound)
    return Outlook(expectations=(outlived, *late.expectations), recovery=bound)


def _retried(name: RoundRobin, cohort: Cohort, fault: Fault) -> Outlook:
    if fault.target not in name.regions:
        return _unhurt(cohort, f"{fault.target} is not in the answer")
    if len(name.regions) == 1:
        return Outlook()
    if fault.kind in {FaultKind.POWER_OFF, FaultKind.ISOLATE}:
        return _unhurt(cohort, "a live address in the answer is tried next")
    if fault.kind not in {FaultKind.CRASH, FaultKind.DRAIN}:
        return Outlook()  # a connection that stands is not left for another address
    bound = Bound(
        low_s=fault.drain_s - bounds.ATTEMPT_S,
        high_s=fault.drain_s + bounds.IN_FLIGHT_S,
        why="the answer holds a live address; only an attempt to which a dying proxy "
        "replies with an error is not tried again",
    )
    rescued = FailsOnlyWithin(
        text=f"{cohort.name}: tries the next address, at most the stop itself is seen",
        cohort=cohort.name,
        bound=bound,
        at_least=0,
    )
    return Outlook(expectations=(rescued,))


_HOLDER = {
    Behaviour.FIRST_ADDRESS: "follows the resolver's cache",
    Behaviour.RETRY_NEXT: "follows the resolver's cache, which holds no other address",
    Behaviour.PINNED: "keeps its address beyond the TTL",
    Behaviour.HAPPY_EYEBALLS: "follows the resolver's cache, with nobody to race",
    Behaviour.SDK: "follows the resolver's cache, however often it tries",
}


def _recovers(cohort: Cohort, how: str, bound: Bound) -> Outlook:
    if bound.low_s < cohort.interval_ms / 1000:
        why = f"{bound.why}; that can be over before its next attempt"
        bound = replace(bound, low_s=0.0, why=why)
    text = f"{cohort.name}: {how}"
    expected = RecoversWithin(text=text, cohort=cohort.name, bound=bound)
    return Outlook(expectations=(expected,), recovery=bound)


def _unhurt(cohort: Cohort, why: str) -> Outlook:
    text = f"{cohort.name}: loses no attempt"
    expected = NoFailures(text=text, cohort=cohort.name, why=why)
    return Outlook(expectations=(expected,))

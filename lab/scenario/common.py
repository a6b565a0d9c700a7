"""Expectations that stories about steering and caching have in common. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, forecast, patience, withdrawal
from lab.scenario.chance import ALPHA
from lab.scenario.figures import (
    AnswerP,
    ConnectTime,
    Foreign,
    Greatest,
    LastFailure,
    Processor,
    ServedShare,
    WaysOff,
)
from lab.scenario.model import (
    Ask,
    Behaviour,
    Bound,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Question,
    Unit,
)
from lab.topology.distance import (
    TOLERANCE_S,
    TOLERANCE_SHARE,
    round_trip_bounds_s,
    round_trips_s,
)
from lab.topology.geography import preferred
from lab.topology.model import (
    Access,
    AnycastName,
    Geo,
    Parent,
    Provider,
    Resolver,
    Topology,
    Transit,
)
from lab.topology.timers import Depth

#: How long a client of each behaviour waits for an address before it tries the next.
WAITS_MS = MappingProxyType(
    {
        Behaviour.RETRY_NEXT: patience.RETRY_MS,
        Behaviour.HAPPY_EYEBALLS: patience.RACE_DELAY_MS,
        Behaviour.SDK: patience.SDK_TRY_MS,
    }
)
#: Share of a core that no DNS server of the lab may need in these stories.
IDLE_SHARE = 0.20


def past_caches(
    label: str,
    providers: Iterable[Provider],
    *,
    access: str,
    qname: str,
    count: int,
    interval_ms: float,
    behind: bool = False,
) -> Ask:
    """Return the step that puts a question to providers; `label-provider` is each's."""
    return Ask(
        label=label,
        questions=tuple(
            Question(
                label=f"{label}-{provider.name}",
                access=access,
                server=provider.name,
                qname=qname,
                count=count,
                interval_ms=interval_ms,
            )
            for provider in providers
        ),
        behind=behind,
    )


def lab_itself(topology: Topology) -> Iterator[Measures]:
    """Yield what must hold of the lab for the rest to mean anything.

    No DNS server was busy, and distances are what the topology declares.
    """
    section = "The lab itself"
    zone = topology.zone
    servers: tuple[Parent | Provider | Resolver, ...] = (
        *zone.parents,
        *zone.providers,
        *topology.resolvers,
    )
    yield Measures(
        section=section,
        text="busiest authority or resolver, share of a core",
        figure=Processor(nodes=tuple(server.name for server in servers)),
        low=0.0,
        high=IDLE_SHARE,
        unit=Unit.PERCENT,
        why="a server short of time would answer for other reasons than its own",
    )
    if any(link.delay_ms for link in topology.links):
        yield Measures(
            section=section,
            text="round trips that are not as links declare",
            figure=WaysOff(),
            low=0,
            high=0,
            why=f"measured before the first step; as declared is within "
            f"{TOLERANCE_S * 1000:g} ms or {TOLERANCE_SHARE:.0%}",
        )


def only_dns() -> Measures:
    """Return the expectation that authorities carry names and no traffic."""
    return Measures(
        section="Who carries the traffic",
        text="packets at the authorities that are not DNS",
        figure=Foreign(),
        low=0,
        high=0,
        why="an authority answers a question; the traffic never passes it",
    )


def chance(
    text: str, asks: tuple[str, ...], shares: dict[str, float], *, section: str
) -> Measures:
    """Return the expectation that bursts' first addresses have these shares.

    The best of several bursts counts, so that each may be judged the more strictly:
    two at p > 0.01 are wrong about a true lab as rarely as one at p > 0.0001.
    """
    told = ", ".join(f"{address} {share:.0%}" for address, share in shares.items())
    p = ALPHA ** (1 / len(asks))
    each = f" in each of {len(asks)} draws, 1 of {1 / p:.0f} times" * (len(asks) > 1)
    return Measures(
        section=section,
        text=text,
        figure=Greatest(
            of=tuple(AnswerP(ask=ask, shares=tuple(shares.items())) for ask in asks)
        ),
        low=p,
        high=None,
        why=f"chi-square against {told}: chance alone falls below{each}, in 1 of "
        f"{1 / ALPHA:.0f} runs",
    )


def failing(recovery: Bound, cohort: Cohort) -> Bound:
    """Return when a cohort fails for the last time before it recovers.

    It is up to one interval of its clients earlier.
    """
    low_s = max(0.0, recovery.low_s - cohort.interval_ms / 1000)
    return Bound(low_s=low_s, high_s=recovery.high_s, why=recovery.why)


def sent(
    topology: Topology,
    name: Geo,
    users: Cohort,
    place: Access | Transit,
    *,
    section: str,
    why: str,
) -> Iterator[Measures]:
    """Yield where users of a name are sent, and how far that is.

    Args:
        topology: Of the lab.
        name: What they ask for.
        users: Who is observed.
        place: Whose nearest region it should be.
        section: Heading of the rows.
        why: It should be that one.
    """
    region = preferred(topology, name, place)[0]
    yield Measures(
        section=section,
        text=f"requests served by {region}, the nearest to {place.name}",
        figure=ServedShare(cohorts=(users.name,), during="observe", region=region),
        low=1.0,
        high=1.0,
        unit=Unit.PERCENT,
        why=why,
    )
    low, high, declared = round_trip_bounds_s(topology, users.access, region)
    yield Measures(
        section=section,
        text="round trip to where they are sent (median)",
        figure=ConnectTime(cohorts=(users.name,), during="observe", percent=50),
        low=low,
        high=high,
        unit=Unit.MILLISECONDS,
        why=declared,
    )


def fails_until(
    text: str, cohort: Cohort, bound: Bound, fault: Fault, *, section: str, during: str
) -> Measures:
    """Return the expectation that a cohort's last failure is at its recovery."""
    last = failing(bound, cohort)
    return Measures(
        section=section,
        text=text,
        figure=LastFailure(cohorts=(cohort.name,), during=during, fault=fault.label),
        low=last.low_s,
        high=last.high_s,
        unit=Unit.SECONDS,
        why=last.why,
    )


def refuse_withdrawal(topology: Topology, fault: Fault) -> None:
    """Refuse announcements that end when the service fails: the story is of checks.

    Raises:
        InvalidInput: They look at what users get, so no check finds a route.
    """
    if forecast.route_goes(topology, fault):
        what = (
            f"{fault.target} looks as deep as {Depth.DEEP} (announce.depth): its route "
            "goes, and no check passes"
        )
        allowed = ", ".join(d for d in Depth if d is not Depth.DEEP)
        raise InvalidInput((Problem(what=what, allowed=allowed),))


def recovery(topology: Topology, cohort: Cohort, fault: Fault) -> Bound:
    """Return when a cohort recovers from a region's death.

    Raises:
        InvalidInput: It never does: nobody withdraws the route.
        ValueError: It is not known to.
    """
    bound = forecast.outlook(topology, cohort, fault).recovery
    needed = withdrawal.SEEN_AT.get(fault.kind)
    by_route = isinstance(topology.served(cohort.qname), AnycastName)
    if needed and by_route and not forecast.route_goes(topology, fault):
        announce = topology.announce_of(fault.target)
        bound_to = announce.depth if announce.bound else "nothing"
        what = (
            f"announcements of {fault.target} are bound to {bound_to}: its route stays "
            f"when it suffers {fault.kind}"
        )
        deep = " or ".join(depth for depth in Depth if depth.reaches(needed))
        allowed = f"announce.bound, and announce.depth {deep}"
        raise InvalidInput((Problem(what=what, allowed=allowed),))
    if bound is None:
        raise ValueError(f"nobody can say when {cohort.name} recovers")
    return bound


def following(topology: Topology, cohort: Cohort, dead: str, moved: Bound) -> Bound:
    """Return when users recover whose packets reach another region from then on.

    They ask for the address now and then, and the last packets before that were on
    their way to the dead region.
    """
    asking_s = forecast.asking_s(topology, cohort)
    interval_s = cohort.interval_ms / 1000
    way_s = round_trips_s(topology, cohort.access, dead)[1] / 2
    return Bound(
        low_s=max(0.0, moved.low_s - way_s - asking_s),
        high_s=moved.high_s + bounds.CONVERGENCE_S + way_s + interval_s,
        why=f"{moved.why}; + {bounds.CONVERGENCE_S:g} s for the routes + one attempt "
        f"each {interval_s:g} s; {way_s:g} s away, and up to {asking_s:g} s to ask for "
        "the address",
    )


def rescue(topology: Topology, cohort: Cohort, fault: Fault) -> Bound:
    """Return how long a request takes that met a dead address first.

    The client's patience with it, then a connection and a reply from anywhere.
    """
    wait_s = WAITS_MS[cohort.behaviour] / 1000
    farthest_s = max(
        round_trips_s(topology, cohort.access, r.name)[1] for r in topology.regions
    )
    silent = fault.kind in {FaultKind.POWER_OFF, FaultKind.ISOLATE}
    return Bound(
        low_s=wait_s if silent else 0.0,
        high_s=wait_s + 2 * farthest_s + bounds.IN_FLIGHT_S,
        why=f"{wait_s:g} s until the next address is tried, then two round trips of up "
        f"to {farthest_s:g} s and the service's own time",
    )

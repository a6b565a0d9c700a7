"""Expectations that stories about steering and caching have in common. Pure."""

from __future__ import annotations

from types import MappingProxyType

from lab.scenario import bounds, forecast, patience
from lab.scenario.chance import ALPHA
from lab.scenario.figures import AnswerP, Foreign, LastFailure, Processor
from lab.scenario.model import (
    Behaviour,
    Bound,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Unit,
)
from lab.topology.distance import round_trips_s
from lab.topology.model import Parent, Provider, Resolver, Topology

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


def servers_idle(topology: Topology) -> Measures:
    """Return the expectation that no DNS server was busy: the lab is not the limit."""
    zone = topology.zone
    servers: tuple[Parent | Provider | Resolver, ...] = (
        *zone.parents,
        *zone.providers,
        *topology.resolvers,
    )
    return Measures(
        section="The lab itself",
        text="busiest authority or resolver, share of a core",
        figure=Processor(nodes=tuple(server.name for server in servers)),
        low=0.0,
        high=IDLE_SHARE,
        unit=Unit.PERCENT,
        why="a server short of time would answer for other reasons than its own",
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


def chance(text: str, ask: str, shares: dict[str, float], *, section: str) -> Measures:
    """Return the expectation that a burst's first addresses have these shares."""
    told = ", ".join(f"{address} {share:.0%}" for address, share in shares.items())
    return Measures(
        section=section,
        text=text,
        figure=AnswerP(ask=ask, shares=tuple(shares.items())),
        low=ALPHA,
        high=None,
        why=f"chi-square against {told}: chance alone falls below in 1 of 10,000 runs",
    )


def fails_until(
    text: str, cohort: Cohort, bound: Bound, fault: Fault, *, section: str, during: str
) -> Measures:
    """Return the expectation that a cohort's last failure is at its recovery.

    It is up to one interval of its clients earlier.
    """
    return Measures(
        section=section,
        text=text,
        figure=LastFailure(cohorts=(cohort.name,), during=during, fault=fault.label),
        low=max(0.0, bound.low_s - cohort.interval_ms / 1000),
        high=bound.high_s,
        unit=Unit.SECONDS,
        why=bound.why,
    )


def recovery(topology: Topology, cohort: Cohort, fault: Fault) -> Bound:
    """Return when a cohort of a health-checked name recovers from a region's death.

    Raises:
        ValueError: It is not known to.
    """
    bound = forecast.outlook(topology, cohort, fault).recovery
    if bound is None:
        raise ValueError(f"nobody can say when {cohort.name} recovers")
    return bound


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

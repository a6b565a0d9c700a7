"""When the routes to a dead region go, and what never makes them go.

Pure. A route goes when neighbours miss its routers (`lab.scenario.bounds`), or when who
announces it sees that it leads to nobody, which is a question of how far down it looks.
"""

from __future__ import annotations

from types import MappingProxyType

from lab.scenario import bounds
from lab.scenario.model import Bound, FaultKind
from lab.topology.timers import (
    GUARD_EVERY_S,
    LONGEST_LOOK_S,
    Announce,
    CheckerDeath,
    Depth,
    Timers,
)

#: Deaths that leave a region's routers well, and how far down one must look to see it.
SEEN_AT = MappingProxyType(
    {FaultKind.APP_DEAD: Depth.REGION, FaultKind.BROWN_OUT: Depth.DEEP}
)


def anycast_recovery(
    timers: Timers,
    kind: FaultKind,
    *,
    interval_s: float,
    way_s: float = 0.0,
    asking_s: float = 0.0,
) -> Bound:
    """Return when a client gets a reply from the next site of an anycast address.

    Args:
        timers: By which neighbours miss the site, or it sees its service dead.
        kind: How it died; what its routers survive, it must see (`is_withdrawn`).
        interval_s: The client's pace.
        way_s: How long packets, and the news, travel between client and dead site.
        asking_s: How long a client may ask for the address before it sends a packet.
    """
    dead = kind in SEEN_AT
    seen = health_withdrawal(timers.announce) if dead else bounds.silence(timers)
    low = max(0.0, seen.low_s - way_s - asking_s)
    high = seen.high_s + bounds.CONVERGENCE_S + way_s + interval_s
    tail = f"+ {bounds.CONVERGENCE_S:g} s for the routes + one attempt each "
    tail += f"{interval_s:g} s"
    if way_s or asking_s:
        tail += f"; {way_s:g} s away, and up to {asking_s:g} s to ask for the address"
    if dead or kind in bounds.SILENT:
        return Bound(low_s=low, high_s=high, why=f"{seen.why}; {tail}")
    why = f"a killed router's sessions close at once; at worst {seen.why}; {tail}"
    return Bound(low_s=0.0, high_s=high, why=why)


def is_withdrawn(announce: Announce, dead: Depth) -> bool:
    """Tell whether an L4 node withdraws its routes when a layer is dead."""
    return announce.bound and announce.depth.reaches(dead)


def guard_withdrawal(announce: Announce) -> Bound:
    """Return when a guard withdraws the routes of an announcer that died, or hangs.

    The last sign of life is up to an interval old, and older by one good look.

    Raises:
        ValueError: There is no guard: routes stay as they are.
    """
    if announce.on_checker_death is CheckerDeath.KEEP:
        raise ValueError("no guard withdraws what nobody looks after")
    interval_s, silent_s = announce.interval_ms / 1000, announce.silent_s
    low = silent_s - interval_s - bounds.IN_FLIGHT_S
    high = silent_s + GUARD_EVERY_S + bounds.IN_FLIGHT_S
    why = (
        f"no sign of life for {interval_s:g} s + 2 x {LONGEST_LOOK_S:g} s, looked for "
        f"each {GUARD_EVERY_S:g} s; the last one came up to {interval_s:g} s before, "
        f"and {bounds.IN_FLIGHT_S:g} s for the looks themselves"
    )
    return Bound(low_s=low, high_s=high, why=why)


def health_withdrawal(announce: Announce) -> Bound:
    """Return when an L4 node withdraws its routes after its service has died.

    It looks at a service that refuses at once.
    """
    return bounds.looks(announce.fall, announce.interval_ms / 1000)

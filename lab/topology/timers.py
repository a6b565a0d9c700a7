"""Every timer of a lab, and what switches off who looks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, PositiveInt

from lab.topology.base import Model

#: How balancers look at those behind them, and how often in a row these must be well or
#: not for it to count: on a busy machine two looks can go wrong.
LOOK_EVERY_S, LOOK_RISE, LOOK_FALL = 0.5, 1, 3
#: How long a region that stands by waits for another one to accept a connection, and
#: then for its reply.
STANDBY_TIMEOUT_MS = 500
#: A look of an announcer that nobody answers ends after that long (`lab.node.probes`).
LONGEST_LOOK_S = 0.5
#: How often the guard of an announcer looks for a sign of life.
GUARD_EVERY_S = 0.1


class Check(Model):
    """How a DNS provider checks a region's deep endpoint."""

    interval_s: Annotated[int, Field(ge=2, le=255)]
    """From the start of one check to the start of the next."""
    timeout_s: Annotated[int, Field(ge=1, le=254)]
    """When a check without a reply counts as failed; less than the interval."""
    threshold: Annotated[int, Field(ge=1, le=100)]
    """Failures in a row before a region counts as down."""


class Bfd(Model):
    """Bidirectional forwarding detection (RFC 5880) on every BGP session."""

    enabled: bool = True
    """Without it, only BGP's hold timer misses a neighbour that fell silent."""
    interval_ms: Annotated[int, Field(ge=10, le=10_000)] = 100
    multiplier: Annotated[int, Field(ge=2, le=255)] = 5


class Bgp(Model):
    """BGP timers (RFC 4271, section 4.2: a hold time is 0 or at least 3 s)."""

    hold_s: Annotated[int, Field(ge=3, le=65_535)] = 9
    heeds_graceful_shutdown: bool = True
    """Whether neighbours leave a route that is about to go as a last choice (RFC 8326).
    """


class Depth(StrEnum):
    """How far down an L4 node looks before it announces."""

    NODE = "node"  # its own balancer is well
    POP = "pop"  # and an L7 node answers
    REGION = "region"  # and a backend answers its shallow check
    DEEP = "deep"  # and its deep one: users are served

    def reaches(self, layer: Depth) -> bool:
        """Tell whether the death of a layer is seen by who looks so far down."""
        depths = list(Depth)
        return depths.index(self) >= depths.index(layer)


class CheckerDeath(StrEnum):
    """What becomes of announcements when the process that looks dies, or hangs."""

    KEEP = "keep"  # they stay as they are: fail static
    WITHDRAW = "withdraw"  # a guard takes the anycast route back: fail closed


class Announce(Model):
    """How an L4 node's own health becomes its announcement."""

    bound: bool = True
    """Whether it withdraws when it is unhealthy; if not, it announces to its end."""
    depth: Depth = Depth.REGION
    """What it looks at, unless a region says otherwise."""
    on_checker_death: CheckerDeath = CheckerDeath.KEEP
    """What becomes of its routes with nobody to look, unless a region differs."""
    interval_ms: Annotated[int, Field(ge=50, le=60_000)] = 200
    """From one look at the local service to the next."""
    fall: PositiveInt = 3
    """Failures in a row before it withdraws."""
    rise: PositiveInt = 2
    """Successes in a row before it announces."""

    @property
    def silent_s(self) -> float:
        """After how long without a sign of life a guard takes the announcer for dead.

        It gives a sign each interval, or after the longest look if that takes longer.
        """
        return self.interval_ms / 1000 + 2 * LONGEST_LOOK_S


class GlobalCheck(Model):
    """How a balancer in front of the regions looks at them."""

    interval_ms: Annotated[int, Field(ge=50, le=60_000)] = 100
    """From the end of one look to the start of the next."""
    timeout_ms: Annotated[int, Field(ge=50, le=60_000)] = 300
    """When a look without a reply counts as failed."""
    fall: PositiveInt = 3
    """Failures in a row before it takes a region out."""


class Timers(Model):
    """Every timer of the lab, as in the `real` profile."""

    ttl_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Published TTL of every steered name."""
    check: Check
    clamp_s: Annotated[int, Field(ge=1, le=86_400)] = 120
    """Minimum TTL that a clamping resolver enforces."""
    stale_answer_ttl_s: Annotated[int, Field(ge=1, le=86_400)] = 30
    """TTL on a stale answer (RFC 8767, section 4)."""
    pin_s: Annotated[int, Field(ge=1, le=86_400)] = 180
    """How long a pinned client keeps an address."""
    bfd: Bfd = Bfd()
    bgp: Bgp = Bgp()
    announce: Announce = Announce()
    global_check: GlobalCheck = GlobalCheck()

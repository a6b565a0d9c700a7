"""Every timer of a lab, and what switches off who looks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from lab.topology.base import Model

#: How balancers look at those behind them, and how often in a row these must be well or
#: not for it to count: on a busy machine two looks can go wrong.
LOOK_EVERY_S, LOOK_RISE, LOOK_FALL = 0.5, 1, 3
#: How long a region that stands by waits for another one to accept a connection, and
#: then for its reply.
STANDBY_TIMEOUT_MS = 500


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


class Announce(Model):
    """How an L4 node's own health becomes its announcement."""

    bound: bool = True
    """Whether it withdraws when it is unhealthy; if not, it announces to its end."""
    interval_ms: Annotated[int, Field(ge=50, le=60_000)] = 200
    """From one look at the local service to the next."""
    fall: PositiveInt = 3
    """Failures in a row before it withdraws."""
    rise: PositiveInt = 2
    """Successes in a row before it announces."""


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

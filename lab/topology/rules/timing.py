"""Rules on timers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lab.topology.draft import Draft, whole
from lab.topology.finding import Finding
from lab.topology.timers import Timers


def checks_end_before_the_next(draft: Draft) -> Iterator[Finding]:
    """Find a check that would still wait when the next one begins."""
    interval_s = draft.get(("timers", "check", "interval_s"), whole)
    timeout_s = draft.get(("timers", "check", "timeout_s"), whole)
    if interval_s is None or timeout_s is None or timeout_s < interval_s:
        return
    yield Finding(
        path=("timers", "check", "timeout_s"),
        what=f"timers: check.timeout_s is {timeout_s}, and check.interval_s is "
        f"{interval_s}",
        allowed="a timeout below the interval",
    )


def minimums_exceed_the_ttl(draft: Draft) -> Iterator[Finding]:
    """Find a clamp or a pin so short that it never acts."""
    ttl_s = _timer(draft, "ttl_s")
    behaviours = draft.names("access.*.resolvers.*.behaviour")
    behaviours |= draft.names("public_resolvers.*.behaviour")
    needed = {"pin_s": True, "clamp_s": "clamping" in behaviours}
    for key, acts in needed.items():
        if acts and _timer(draft, key) < ttl_s:
            yield Finding(
                path=("timers", key),
                what=f"timers: {key} is {_timer(draft, key)}, below ttl_s ({ttl_s}), "
                "so that it would never act",
                allowed=f"{ttl_s} or more",
            )


def _timer(draft: Draft, key: str) -> int:
    default: int = Timers.model_fields[key].default
    value = draft.get(("timers", key), whole)
    return default if value is None else value

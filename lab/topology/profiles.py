"""The two sizes of a topology's timers, and single timers set by hand. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from lab.errors import InvalidInput, Problem
from lab.topology import shape
from lab.topology.draft import Draft
from lab.topology.finding import Finding
from lab.topology.model import ServedName, Topology
from lab.topology.rules.resolvers import clamps_fit
from lab.topology.rules.timing import checks_end_before_the_next
from lab.topology.timers import Check
from lab.topology.words import meant, shown

#: gdnsd checks every 2 s at most: its timeout is in whole seconds and below the
#: interval. The 10 s that people use can thus be divided by five and no further.
QUICK_DIVISOR: Final = 5
_LEAST_INTERVAL_S: Final = 2
_DIGITS: Final = 9
_SWITCH: Final = MappingProxyType({"on": True, "off": False})

#: Settings of a person's command line and the timers that they set.
SETTINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ttl_s": ("ttl_s",),
        "check.interval_s": ("check", "interval_s"),
        "check.timeout_s": ("check", "timeout_s"),
        "check.threshold": ("check", "threshold"),
        "clamp_s": ("clamp_s",),
        "stale_answer_ttl_s": ("stale_answer_ttl_s",),
        "pin_s": ("pin_s",),
        "bfd.enabled": ("bfd", "enabled"),
        "bfd.interval_ms": ("bfd", "interval_ms"),
        "bfd.multiplier": ("bfd", "multiplier"),
        "bgp.hold_s": ("bgp", "hold_s"),
        "bgp.heeds_graceful_shutdown": ("bgp", "heeds_graceful_shutdown"),
        "announce.bound": ("announce", "bound"),
        "announce.depth": ("announce", "depth"),
        "announce.on_checker_death": ("announce", "on_checker_death"),
        "announce.interval_ms": ("announce", "interval_ms"),
        "announce.fall": ("announce", "fall"),
        "announce.rise": ("announce", "rise"),
        "global_check.interval_ms": ("global_check", "interval_ms"),
        "global_check.timeout_ms": ("global_check", "timeout_ms"),
        "global_check.fall": ("global_check", "fall"),
    }
)

#: What a name or a region can have of its own, by the timer that it overrides.
_OWN: Mapping[tuple[str, ...], str] = MappingProxyType(
    {
        ("ttl_s",): "ttl_s",
        ("announce", "depth"): "announce_depth",
        ("announce", "on_checker_death"): "on_checker_death",
    }
)


class Profile(StrEnum):
    """How long a run takes: seconds of TTL, or the figures people use."""

    QUICK = "quick"
    REAL = "real"


def apply(topology: Topology, profile: Profile) -> Topology:
    """Return the topology with the timers of a profile.

    All timers that belong to DNS, health checks and caches scale together; BGP, BFD
    and the announcements' own checks do not.
    """
    if profile is Profile.REAL:
        return topology
    timers = topology.timers
    scaled = timers.model_copy(
        update={
            "ttl_s": _divided(timers.ttl_s),
            "check": _quick_check(timers.check),
            "clamp_s": _divided(timers.clamp_s),
            "stale_answer_ttl_s": _divided(timers.stale_answer_ttl_s),
            "pin_s": _divided(timers.pin_s),
        }
    )
    names = tuple(_quick_name(name) for name in topology.zone.names)
    zone = topology.zone.model_copy(update={"names": names})
    return topology.model_copy(
        update={"timers": scaled, "zone": zone, "divided_by": QUICK_DIVISOR}
    )


def undivided(topology: Topology) -> Topology:
    """Return the topology with the timers that a profile divided as large as before.

    To a second of its own size each, as far as dividing has rounded up.
    """
    timers, by = topology.timers, topology.divided_by
    check = timers.check.model_copy(
        update={
            "interval_s": by * timers.check.interval_s,
            "timeout_s": by * timers.check.timeout_s,
        }
    )
    scaled = {
        key: by * getattr(timers, key)
        for key in ("ttl_s", "clamp_s", "stale_answer_ttl_s", "pin_s")
    }
    names = tuple(
        name.model_copy(update={"ttl_s": name.ttl_s and by * name.ttl_s})
        for name in topology.zone.names
    )
    return topology.model_copy(
        update={
            "timers": timers.model_copy(update={**scaled, "check": check}),
            "zone": topology.zone.model_copy(update={"names": names}),
            "divided_by": 1,
        }
    )


def override(topology: Topology, settings: Mapping[str, str | int]) -> Topology:
    """Return the topology with single timers set, after the profile.

    What a person sets is so for every name and region, those with their own too.

    Args:
        topology: The profile is applied already.
        settings: Values by name, `check.interval_s` or in short `check_interval`.

    Raises:
        InvalidInput: A name or a value is wrong; with all problems.
    """
    data = topology.model_dump(mode="json")
    paths = {_PATHS[name] for name in settings if is_setting(name)}
    for path, own in _OWN.items():
        for thing in (*data["zone"]["names"], *data["regions"]):
            if path in paths and own in thing:
                thing[own] = None
    findings = [
        *_set(data["timers"], settings),
        *shape.findings(Topology, data),
        *checks_end_before_the_next(Draft(data)),
        *clamps_fit(Draft(data)),
    ]
    if findings:
        problems = (Problem(what=f.what, allowed=f.allowed) for f in findings)
        raise InvalidInput(tuple(problems))
    return shape.validated(Topology, data)


def is_setting(name: str) -> bool:
    """Tell whether a name sets a timer, in its long form or in short."""
    return name in _PATHS


def _set(
    timers: dict[str, Any], settings: Mapping[str, str | int]
) -> Iterator[Finding]:
    set_by: dict[tuple[str, ...], str] = {}
    for name, value in settings.items():
        if not is_setting(name):
            what = f"there is no timer {shown(name)}{meant(name, _PATHS)}"
            yield Finding(path=(), what=what, allowed=", ".join(SETTINGS))
            continue
        path = _PATHS[name]
        if set_by.setdefault(path, name) != name:
            what = f"{set_by[path]} and {name} set the same timer"
            yield Finding(path=(), what=what, allowed="one of them")
        *above, key = path
        holder = timers[above[0]] if above else timers
        holder[key] = _value(str(value))


def _value(text: str) -> int | bool | str:
    """Return a number or a switch as one; what is absurd is refused later, as text."""
    if text in _SWITCH:
        return _SWITCH[text]
    plain = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if plain else text


def _short_forms(name: str) -> frozenset[str]:
    without_unit = name.removesuffix("_ms").removesuffix("_s")
    return frozenset(n.replace(".", s) for n in (name, without_unit) for s in "._")


_PATHS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {short: path for name, path in SETTINGS.items() for short in _short_forms(name)}
)


def _quick_check(check: Check) -> Check:
    interval_s = max(_LEAST_INTERVAL_S, _divided(check.interval_s))
    timeout_s = min(_divided(check.timeout_s), interval_s - 1)
    return check.model_copy(update={"interval_s": interval_s, "timeout_s": timeout_s})


def _quick_name(name: ServedName) -> ServedName:
    if name.ttl_s is None:
        return name
    return name.model_copy(update={"ttl_s": _divided(name.ttl_s)})


def _divided(seconds: int) -> int:
    """Return a fifth, rounded up: daemons count in whole seconds, and none is 0."""
    return -(-seconds // QUICK_DIVISOR)

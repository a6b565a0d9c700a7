"""The paths that a router knows, read from what BIRD prints. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

#: `198.51.100.0/24  unicast [to_transit_us 12:16:44.447] * (100) [AS64496i]`; the
#: prefix is left out where the line before had the same (BIRD manual, 4.4).
_PATH = re.compile(
    r"(?P<prefix>\S+)?\s+(?P<kind>unicast|unreachable|blackhole|prohibit) "
    r"\[(?P<protocol>\S+)[^\]]*\] (?P<best>\*)?"
)
_VIA = re.compile(r"\s+via (\S+) on ")
_ATTRIBUTE = re.compile(r"\s+BGP\.(?P<name>\w+): ?(?P<value>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One way to a prefix.

    Attributes:
        kind: `unicast`, or why nothing is forwarded (`unreachable`, …).
        protocol: BIRD's name of where it was learned.
        best: Whether it is the one in use.
        via: Link addresses of the next hops.
        as_path: As received; empty for what no other AS told.
        local_pref: None for what BGP did not tell.
        communities: As BIRD writes them, `(65535,0)`.
    """

    prefix: str
    kind: str
    protocol: str
    best: bool
    via: tuple[str, ...] = ()
    as_path: tuple[int, ...] = ()
    local_pref: int | None = None
    communities: tuple[str, ...] = ()


def parse_paths(text: str) -> tuple[Path, ...]:
    """Return the paths in the output of `show route all`, in its order."""
    return tuple(_paths(text))


def _paths(text: str) -> Iterator[Path]:
    path: Path | None = None
    for line in text.splitlines():
        if head := _PATH.match(line):
            if path:
                yield path
            above = path.prefix if path else ""
            path = Path(
                prefix=head["prefix"] or above,
                kind=head["kind"],
                protocol=head["protocol"],
                best=bool(head["best"]),
            )
        elif path:
            path = _with(path, line)
    if path:
        yield path


def _with(path: Path, line: str) -> Path:
    """Return the path with what one more line tells of it."""
    if hop := _VIA.match(line):
        return replace(path, via=(*path.via, hop[1]))
    told = _ATTRIBUTE.match(line)
    value = told["value"] if told else ""
    match told and told["name"]:
        case "as_path":
            return replace(path, as_path=tuple(int(asn) for asn in value.split()))
        case "local_pref":
            return replace(path, local_pref=int(value))
        case "community":
            return replace(path, communities=tuple(value.split()))
    return path

"""A topology that may still be wrong, as rules see it. Pure.

Rules must run on a file whose other half is malformed, so that all mistakes are
reported at once. They therefore ask for values by pattern and get those that are
readable; what is not readable is somebody else's finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from lab.topology.finding import Path
from lab.topology.values import Address, Prefix
from lab.topology.words import shown

T = TypeVar("T")

#: What a part of a topology is called in messages.
_NOUNS = MappingProxyType(
    {
        "access.*": "access network",
        "access.*.clients": "client node",
        "access.*.resolvers.*": "resolver",
        "anycast": "anycast",
        "global_l4": "global L4",
        "hybrids.*": "hybrid",
        "ixps.*": "exchange",
        "links.*": "link",
        "public_resolvers.*": "public resolver",
        "regions.*": "region",
        "timers": "timers",
        "transits.*": "transit",
        "zone": "zone",
        "zone.names.*": "name",
        "zone.parents.*": "parent server",
        "zone.providers.*": "provider",
    }
)


@dataclass(frozen=True, slots=True)
class Draft:
    """Plain data in the shape of a topology file, more or less."""

    data: Any

    def find(
        self, pattern: str, read: Callable[[object], T]
    ) -> Iterator[tuple[Path, T]]:
        """Yield (path, value) of what matches and is readable.

        Args:
            pattern: Keys with dots between; `*` is every index or key.
            read: One of this module's readers, or an enum.
        """
        for path, value in _matches(self.data, tuple(pattern.split(".")), ()):
            try:
                yield path, read(value)
            except ValueError:
                continue

    def get(self, path: Path, read: Callable[[object], T]) -> T | None:
        """Return the value at `path`; None when absent or not readable."""
        value = self.data
        for step in path:
            value = _child(value, step)
        try:
            return read(value)
        except ValueError:
            return None

    def names(self, pattern: str) -> frozenset[str]:
        """Return all names that match a pattern."""
        return frozenset(name for _, name in self.find(pattern, text))

    def subject(self, path: Path) -> str:
        """Return what a person calls the innermost thing that holds `path`."""
        return self._noun(self.subject_path(path)) or "the topology"

    def subject_path(self, path: Path) -> Path:
        """Return the path of that thing; () for the topology itself."""
        ends = range(len(path), 0, -1)
        return next((path[:end] for end in ends if self._noun(path[:end])), ())

    def _noun(self, path: Path) -> str:
        pattern = ".".join("*" if isinstance(s, int) else s for s in path)
        noun = _NOUNS.get(pattern, "")
        if not noun:
            return ""
        if name := self.get((*path, "name"), text):
            return f"{noun} {shown(name)}"
        last = path[-1]
        return f"{noun} number {last + 1}" if isinstance(last, int) else noun


def anything(value: object) -> object:
    """Read any value at all."""
    return value


def text(value: object) -> str:
    """Read text; `ValueError` for anything else, as in all readers."""
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def whole(value: object) -> int:
    """Read a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(value)
    return value


def address(value: object) -> Address:
    """Read an address."""
    return Address(text(value))


def prefix(value: object) -> Prefix:
    """Read a prefix."""
    return Prefix(text(value))


def items(value: object) -> list[Any]:
    """Read a list."""
    if not isinstance(value, list):
        raise ValueError(value)
    return value


def _child(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _matches(
    value: Any, pattern: tuple[str, ...], at: Path
) -> Iterator[tuple[Path, Any]]:
    if not pattern:
        yield at, value
        return
    step, rest = pattern[0], pattern[1:]
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        children = [(k, v) for k, v in value.items() if step in ("*", k)]
    elif isinstance(value, list) and step == "*":
        children = list(enumerate(value))
    for key, child in children:
        yield from _matches(child, rest, (*at, key))

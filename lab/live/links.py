"""Subnets for links: free ones on this host, or the default space. Mostly pure."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from filelock import FileLock, Timeout

from lab.errors import EnvironmentUnfit, WorldError
from lab.live.naming import LAB
from lab.plan.links import DEFAULT_SPACE, LINK_PREFIX_LENGTH

#: Private ranges (RFC 1918) that are searched in turn, the default one first.
SPACES = (
    DEFAULT_SPACE,
    IPv4Network("10.214.0.0/15"),
    IPv4Network("172.28.0.0/14"),
    IPv4Network("192.168.128.0/17"),
)
_ROUTES = Path("/proc/net/route")
_LOCK_WAIT_S = 60


def free_subnets(count: int, taken: Iterable[IPv4Network]) -> tuple[IPv4Network, ...]:
    """Return so many subnets that overlap with nothing taken, the first ones there are.

    Raises:
        EnvironmentUnfit: There are not enough.
    """
    unusable = tuple(taken)
    found: list[IPv4Network] = []
    for subnet in _candidates():
        if len(found) == count:
            break
        if not any(subnet.overlaps(other) for other in unusable):
            found.append(subnet)
    if len(found) < count:
        spaces = ", ".join(str(space) for space in SPACES)
        raise EnvironmentUnfit(
            f"only {len(found)} of {count} links find a free subnet in {spaces}: "
            "remove labs (`lab down --all`) or container networks"
        )
    return tuple(found)


def _candidates() -> Iterator[IPv4Network]:
    for space in SPACES:
        yield from space.subnets(new_prefix=LINK_PREFIX_LENGTH)


def host_routes() -> tuple[IPv4Network, ...]:
    """Return the destinations of this host's routes; none where Linux does not run."""
    return routes_from(_ROUTES.read_text("ascii")) if _ROUTES.exists() else ()


def routes_from(table: str) -> tuple[IPv4Network, ...]:
    """Return the destinations in a `/proc/net/route`, but for the default route.

    Source: Linux, net/ipv4/fib_trie.c: addresses in hexadecimal, in host byte order.
    """
    rows = (line.split() for line in table.splitlines()[1:])
    pairs = ((_address(row[1]), _address(row[7])) for row in rows if len(row) > 7)
    return tuple(IPv4Network((at, str(mask))) for at, mask in pairs if int(mask))


def _address(text: str) -> IPv4Address:
    return IPv4Address(struct.pack("=L", int(text, 16)))


@contextmanager
def picking() -> Iterator[None]:
    """Hold the lock under which subnets are picked and taken.

    Raises:
        WorldError: Another lab holds it for too long.
    """
    path = Path(tempfile.gettempdir()) / f"{LAB}-{os.getuid()}.lock"
    lock = FileLock(path, timeout=_LOCK_WAIT_S)
    try:
        lock.acquire()
    except Timeout as exc:
        raise WorldError(f"another lab has held {path} for {_LOCK_WAIT_S} s") from exc
    try:
        yield
    finally:
        lock.release()

"""BIRD on a running node: what to run in it to look at routes and to withdraw them."""

from __future__ import annotations

from lab.live.daemons.model import Adapter
from lab.render.bird import (
    ANYCAST_ROUTES,
    DRAINING_FILE,
    LEAVING_FILE,
    SOCKET,
    UNICAST_ROUTES,
    WITHDRAWN_FILE,
)

ADAPTER = Adapter(version_argv=("bird", "--version"))
#: Plain and marked: a pattern, in BIRD's own quotes.
_EVERY_ANYCAST = f"'\"{ANYCAST_ROUTES}*\"'"


def birdc(*words: str) -> tuple[str, ...]:
    """Return the command line of a BIRD client command."""
    return ("birdc", "-s", SOCKET, *words)


def paths_argv(address: str = "") -> tuple[str, ...]:
    """Return the command that shows the paths to an address, or all."""
    to = ("for", address) if address else ()
    return birdc("show", "route", "all", *to)


def drain_argv() -> tuple[str, ...]:
    """Return the command that marks a region's anycast route, on its L4 nodes.

    The plain route goes; what is left is the one that tells it is about to go.
    """
    return _withhold(DRAINING_FILE, ANYCAST_ROUTES)


def leave_argv() -> tuple[str, ...]:
    """Return the command by which one of several L4 nodes leaves its routes to them."""
    return _withhold(LEAVING_FILE, _EVERY_ANYCAST, UNICAST_ROUTES)


def withdraw_argv() -> tuple[str, ...]:
    """Return the command that withdraws a region's anycast route, on its L4 nodes."""
    return _withhold(WITHDRAWN_FILE, _EVERY_ANYCAST)


def _withhold(file: str, *routes: str) -> tuple[str, ...]:
    """The file keeps the announcer from announcing again what is withdrawn now."""
    disable = (f"birdc -s {SOCKET} disable {each}" for each in routes)
    return ("sh", "-c", " && ".join((f"touch {file}", *disable)))

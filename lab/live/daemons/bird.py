"""BIRD on a running node: what to run in it to look at routes and to withdraw."""

from __future__ import annotations

from lab.live.daemons.model import Adapter
from lab.render.bird import ANYCAST_ROUTES, SOCKET

ADAPTER = Adapter(version_argv=("bird", "--version"))
#: Its existence keeps the announcer from announcing the anycast route again.
DRAINING_FILE = "/run/lab/draining"


def birdc(*words: str) -> tuple[str, ...]:
    """Return the command line of a BIRD client command."""
    return ("birdc", "-s", SOCKET, *words)


def paths_argv(address: str = "") -> tuple[str, ...]:
    """Return the command that shows the paths to an address, or all."""
    to = ("for", address) if address else ()
    return birdc("show", "route", "all", *to)


def withdraw_argv() -> tuple[str, ...]:
    """Return the command that withdraws a region's anycast route, by its L4 nodes.

    What is left at the edge is the route marked as draining.
    """
    mark_and_withdraw = f"touch {DRAINING_FILE} && birdc -s {SOCKET} disable "
    return ("sh", "-c", mark_and_withdraw + ANYCAST_ROUTES)

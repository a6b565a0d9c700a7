"""BIND 9 on a running node."""

from __future__ import annotations

import re

from lab.live.daemons.model import Adapter, Argv
from lab.render.bind import CONTROL, STATISTICS

_RNDC = ("rndc", "-c", CONTROL)
#: Each `stats` is appended to the file.
_COUNTERS = f"rm -f {STATISTICS} && {' '.join(_RNDC)} stats && cat {STATISTICS}"


def flush_argv(zone: str) -> Argv:
    """Return the command that forgets a zone and all below it."""
    return (*_RNDC, "flushtree", zone)


def query_count(text: str) -> int:
    """Return the queries received, by UDP and TCP."""
    return _counter(text, "IPv4 requests received")


def upstream_count(text: str) -> int:
    """Return the queries sent, by UDP and TCP."""
    return _counter(text, "IPv4 queries sent")


def _counter(text: str, name: str) -> int:
    """Return a counter of a statistics file; one that is 0 is not in it."""
    match = re.search(rf"^ *(\d+) {re.escape(name)}$", text, re.MULTILINE)
    return int(match[1]) if match else 0


ADAPTER = Adapter(
    version_argv=("named", "-v"),
    flush_argv=flush_argv,
    query_count_argv=("sh", "-c", _COUNTERS),
    query_count=query_count,
    upstream_count=upstream_count,
)

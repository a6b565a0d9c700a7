"""dnsmasq on a running node."""

from __future__ import annotations

from lab.live.daemons.model import Adapter, Argv
from lab.render.dnsmasq import PID_FILE


def flush_argv(_zone: str) -> Argv:
    """Return the command that forgets everything: it knows no smaller step."""
    return ("sh", "-c", f"kill -HUP $(cat {PID_FILE})")


def query_count(text: str) -> int:
    """Return the queries received; the two that ask for the counters are among them."""
    return sum(_counters(text))


def upstream_count(text: str) -> int:
    """Return the queries sent."""
    return _counters(text)[1]


def _counters(text: str) -> tuple[int, int]:
    """Return how many were answered from the cache, and how many were not."""
    hits, misses = (int(line.strip('"')) for line in text.splitlines())
    return hits, misses


ADAPTER = Adapter(
    version_argv=("dnsmasq", "--version"),
    flush_argv=flush_argv,
    query_count_argv=(
        *("dig", "@127.0.0.1", "+short"),
        *("hits.bind", "CH", "TXT", "misses.bind", "CH", "TXT"),
    ),
    query_count=query_count,
    upstream_count=upstream_count,
)

"""Unbound on a running node.

No count of cached answers: its dump leaves out those for client subnets.
"""

from __future__ import annotations

from lab.live.daemons.model import Adapter, Argv
from lab.render.unbound import CONFIG

_CONTROL = ("unbound-control", "-c", CONFIG)


def flush_argv(zone: str) -> Argv:
    """Return the command that forgets a zone; its servers' response times stay.

    Nothing but a reload empties the cache for client subnets. It forgets everything,
    counters too, and answers nobody for some milliseconds.
    """
    control = " ".join(_CONTROL)
    told = f"grep -q '^ *module-config:.*subnetcache' {CONFIG}"
    forget = f"if {told}; then {control} reload; else {control} flush_zone {zone}; fi"
    return ("sh", "-c", forget)


def query_count(text: str) -> int:
    """Return the queries received (unbound-control(8), `stats`)."""
    return _counter(text, "total.num.queries")


def upstream_count(text: str) -> int:
    """Return the queries sent, by UDP and TCP."""
    return _counter(text, "num.query.udpout") + _counter(text, "num.query.tcpout")


def _counter(text: str, name: str) -> int:
    return int(dict(line.split("=") for line in text.splitlines())[name])


ADAPTER = Adapter(
    version_argv=("unbound", "-V"),
    flush_argv=flush_argv,
    query_count_argv=(*_CONTROL, "stats_noreset"),
    query_count=query_count,
    upstream_count=upstream_count,
)

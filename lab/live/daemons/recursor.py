"""PowerDNS Recursor on a running node."""

from __future__ import annotations

import re

from lab.live.daemons.model import Adapter, Argv
from lab.render.recursor import FOLDER

# "geo.example.com. 2 1 IN A 203.0.113.10 ; (Indeterminate) auth=1 zone=example.com
# from=198.18.0.53 nm=198.18.40.0/24 rtag= ss=0"
_ENTRY = re.compile(
    r"^(?P<owner>\S+) \d+ (?P<left_s>-?\d+) IN A .* nm=(?P<subnet>\S*) ", re.MULTILINE
)
_CONTROL = ("rec_control", f"--config-dir={FOLDER}")


def flush_argv(zone: str) -> Argv:
    """Return the command that forgets a zone and all below it (`$`)."""
    return (*_CONTROL, "wipe-cache", f"{zone}$")


def query_count(text: str) -> int:
    """Return the queries received: `questions`, the first line."""
    return int(text.split()[0])


def upstream_count(text: str) -> int:
    """Return the queries sent, by UDP and TCP: the other lines."""
    return sum(int(count) for count in text.split()[1:])


def cache_entries(text: str, qname: str) -> int:
    """Return a name's cached answers, one for each client subnet (`dump-cache`)."""
    return len(
        {
            match["subnet"]
            for match in _ENTRY.finditer(text)
            if match["owner"] == f"{qname}." and int(match["left_s"]) > 0
        }
    )


ADAPTER = Adapter(
    version_argv=("pdns_recursor", "--version"),
    flush_argv=flush_argv,
    query_count_argv=(
        *_CONTROL,
        "get",
        "questions",
        "all-outqueries",
        "tcp-outqueries",
    ),
    query_count=query_count,
    upstream_count=upstream_count,
    cache_entries_argv=(*_CONTROL, "dump-cache", "-"),
    cache_entries=cache_entries,
)

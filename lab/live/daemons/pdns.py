"""PowerDNS Authoritative Server on a running node."""

from __future__ import annotations

import re

from lab.live.daemons.model import Adapter
from lab.render.pdns import DECLARED, FOLDER

_VERDICT = re.compile(DECLARED.format(r"(?P<address>\S+)"))


def verdict(line: str) -> tuple[str, str] | None:
    """Return what a check declared: (address, `up` or `down`)."""
    match = _VERDICT.search(line)
    return (match["address"], match[2].lower()) if match else None


ADAPTER = Adapter(
    version_argv=("pdnsutil", "--version"),  # the server puts a time before its own
    query_count_argv=("pdns_control", f"--config-dir={FOLDER}", "show", "udp-queries"),
    query_count=int,
    verdict=verdict,
)

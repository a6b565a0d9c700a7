"""gdnsd on a running node."""

from __future__ import annotations

import json
import re

from lab.live.daemons.model import Adapter
from lab.render.gdnsd import FOLDER

# "state of '203.0.113.10/deep' changed from UP/2 to DOWN/2"
_VERDICT = re.compile(
    r"state of '(?P<address>[^/']+)/deep' (?:changed from \S+|initialized) to "
    r"(?P<state>UP|DOWN)"
)


def verdict(line: str) -> tuple[str, str] | None:
    """Return what a monitor decided: (address, `up` or `down`)."""
    match = _VERDICT.search(line)
    return (match["address"], match["state"].lower()) if match else None


def query_count(text: str) -> int:
    """Return the requests received, by UDP and TCP (gdnsdctl(8), `stats`)."""
    stats = json.loads(text)
    return int(stats["udp"]["reqs"]) + int(stats["tcp"]["reqs"])


ADAPTER = Adapter(
    version_argv=("gdnsd", "help"),  # no action of its own: version, usage
    query_count_argv=("gdnsdctl", "-c", FOLDER, "stats"),
    query_count=query_count,
    verdict=verdict,
)

"""How much processor time nodes have used, as their control groups count it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lab.errors import WorldError
from lab.live.channel import output_of, replies
from lab.live.fleet import Fleet

#: Of control groups of the first version (nanoseconds), else of the second.
#: Source: the kernel's documentation, cgroup-v1/cpuacct and cgroup-v2, "CPU".
_SCRIPT = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>&- || cat /sys/fs/cgroup/cpu.stat"
_REPLY_S = 5.0


def processor_s(fleet: Fleet, nodes: Iterable[str]) -> dict[str, float]:
    """Return the processor time that all of each node has used, in seconds.

    Raises:
        WorldError: A node cannot tell.
    """
    asked = fleet.request("run", nodes, argv=("sh", "-c", _SCRIPT))
    told = replies(asked, _REPLY_S)
    return {node: used_s(output_of(reply, node, ())) for node, reply in told.items()}


def used_s(text: str) -> float:
    """Return the seconds that a control group's own file tells of.

    Raises:
        WorldError: It tells of none.
    """
    if text.strip().isdigit():
        return int(text) / 1e9
    if found := re.search(r"^usage_usec (\d+)$", text, re.MULTILINE):
        return int(found[1]) / 1e6
    raise WorldError(f"no processor time in {text!r}")

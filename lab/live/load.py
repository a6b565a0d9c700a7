"""How much processor time nodes have used, and how much they have received.

As their control groups and their kernels' ports count it.
"""

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
#: Received bytes stand first after the port's name (proc_net(5)).
_PORTS = "/proc/net/dev"


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


def received_bytes(fleet: Fleet, nodes: Iterable[str]) -> dict[str, int]:
    """Return what each node has received from others, in bytes.

    Raises:
        WorldError: A node cannot tell.
    """
    asked = fleet.request("run", nodes, argv=("cat", _PORTS))
    told = replies(asked, _REPLY_S)
    return {node: through_ports(output_of(r, node, ())) for node, r in told.items()}


def through_ports(text: str) -> int:
    """Return the bytes that have come through all ports but the loopback.

    Raises:
        WorldError: There is none.
    """
    found = re.findall(r"^\s*(?!lo:)[^\s:]+:\s*(\d+)", text, re.MULTILINE)
    if not found:
        raise WorldError(f"no port in {text!r}")
    return sum(map(int, found))

"""Addresses, routes and links of the node, by way of `ip` (iproute2)."""

from __future__ import annotations

import ctypes
import json
import subprocess
from typing import IO, Any

from lab.node.spec import Spec

_CAP_SETPCAP, _CAP_NET_ADMIN = 8, 12
_PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION_3 = 0x20080522


def port_names() -> dict[str, str]:
    """Return {link address: interface name} of this container."""
    shown = subprocess.run(
        ["ip", "-j", "-4", "addr"], check=True, capture_output=True, text=True
    )
    return {
        info["local"]: port["ifname"]
        for port in json.loads(shown.stdout)
        for info in port["addr_info"]
    }


def configure(spec: Spec) -> None:
    """Give the node its loopback addresses and exactly its own static routes.

    Docker's default route towards the host goes; nothing leaves the lab.
    """
    batch(["route flush exact 0.0.0.0/0"] if not spec.routes else [])
    batch([f"addr replace {address}/32 dev lo" for address in spec.loopbacks])
    batch(_route_lines(spec))


def links_up(spec: Spec, ports: dict[str, str]) -> None:
    """Undo a cut, routes included (a link that goes down loses them)."""
    if not spec.boundary:
        return
    batch([f"link set {ports[a]} up" for a in spec.boundary])
    batch(_route_lines(spec))


def armed_cut(spec: Spec, ports: dict[str, str]) -> LinkCut:
    """Return a cut of the boundary links that is loaded and only needs firing."""
    return LinkCut([f"link set {ports[a]} down" for a in spec.boundary])


class LinkCut:
    """A started `ip -batch` that waits for its lines: firing costs one write."""

    def __init__(self, lines: list[str]) -> None:
        """Start `ip`, unless there is nothing to cut."""
        self._lines = lines
        self._ip: subprocess.Popen[str] | None = None
        if lines:
            self._ip = subprocess.Popen(
                ["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True
            )

    def fire(self) -> None:
        """Cut, and return once the links are down."""
        if self._ip is None:
            return
        self._ip.communicate("\n".join(self._lines) + "\n")
        if self._ip.returncode:
            raise subprocess.CalledProcessError(self._ip.returncode, "ip -batch -")


def batch(lines: list[str]) -> None:
    """Run `ip` commands in one process."""
    if lines:
        text = "\n".join(lines) + "\n"
        subprocess.run(["ip", "-batch", "-"], input=text, text=True, check=True)


def _route_lines(spec: Spec) -> list[str]:
    return [
        f"route replace {r['prefix']} via {r['via']}"
        + (f" src {r['source']}" if r.get("source") else "")
        for r in spec.routes
    ]


def monitor_routes() -> IO[str]:
    """Return the output of `ip monitor route`, a line per kernel route change."""
    monitor = subprocess.Popen(
        ["ip", "-o", "monitor", "route"], stdout=subprocess.PIPE, text=True
    )
    assert monitor.stdout is not None
    return monitor.stdout


def parse_route_line(line: str) -> tuple[str, list[str], bool] | None:
    """Return (prefix, next hops, deleted) of an `ip -o monitor route` line.

    Local, broadcast and neighbour noise gives None.
    """
    words = line.replace("\\", " ").split()
    deleted = bool(words) and words[0] == "Deleted"
    words = words[1:] if deleted else words
    if not words or words[0] in {"local", "broadcast", "multicast"}:
        return None
    reject = words[0] in {"unreachable", "blackhole", "prohibit"}
    prefix = words[1] if reject and len(words) > 1 else words[0]
    if not prefix[0].isdigit():
        return None
    via = [words[i + 1] for i, w in enumerate(words[:-1]) if w == "via"]
    return (prefix if "/" in prefix else f"{prefix}/32", via, deleted)


def drop_net_admin() -> None:
    """Give up NET_ADMIN and SETPCAP for this process and all it will start.

    Source: capabilities(7): a root process regains at `exec` what its bounding set
    holds, so the bounding set goes first.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (_CAP_NET_ADMIN, _CAP_SETPCAP):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "PR_CAPBSET_DROP")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data: Any = (ctypes.c_uint32 * 6)()
    if libc.capget(header, data):
        raise OSError(ctypes.get_errno(), "capget")
    keep = ~((1 << _CAP_NET_ADMIN) | (1 << _CAP_SETPCAP)) & 0xFFFFFFFF
    for i in range(3):  # effective, permitted, inheritable: the low 32 capabilities
        data[i] &= keep
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")

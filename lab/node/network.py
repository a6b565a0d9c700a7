"""Addresses, routes and links of the node, by way of `ip` (iproute2)."""

from __future__ import annotations

import ctypes
import fcntl
import json
import socket
import struct
import subprocess
from collections.abc import Iterable, Mapping
from typing import IO, Any

from lab.node.spec import Spec

_CAP_SETPCAP, _CAP_NET_ADMIN = 8, 12
_PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
#: Of the rules that keep a host out: looked at before any table but `local`.
_SHUT_OUT = 1
#: Of those that give marked packets their own routes.
_MARKED = 100


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


def outer_ports(ports: Mapping[str, str]) -> list[str]:
    """Return the ports that lead out of the node, of all by address."""
    return [port for port in ports.values() if port != "lo"]


def configure(spec: Spec) -> None:
    """Give the node its loopback addresses and exactly its own static routes.

    Docker's default route towards the host goes; nothing leaves the lab.
    """
    batch(["route flush exact 0.0.0.0/0"] if not spec.routes else [])
    batch([f"addr replace {address}/32 dev lo" for address in spec.loopbacks])
    batch([f"rule add pref {_MARKED} fwmark {m} lookup {m}" for m in _marks(spec)])
    batch(_route_lines(spec))


def cut_links(ports: Iterable[str]) -> None:
    """Take links down: two system calls each, so almost at once."""
    for port in ports:
        _set_link(port, up=False)


def is_cut(ports: Iterable[str]) -> bool:
    """Tell whether a link is down."""
    return any(not _flags(port) & _IFF_UP for port in ports)


def links_up(spec: Spec, ports: Iterable[str]) -> None:
    """Undo a cut, routes included (a link that goes down loses them)."""
    cut = [port for port in ports if is_cut([port])]
    for port in cut:
        _set_link(port, up=True)
    if cut:
        batch(_route_lines(spec))


def shut_out(addresses: list[str]) -> None:
    """Forward nothing from or to these addresses, and tell nobody (ip-rule(8))."""
    batch([f"rule add {rule}" for a in addresses for rule in _rules(a).values()])


def let_in(addresses: list[str]) -> None:
    """Undo `shut_out`, as far as there is anything to undo."""
    there = _rules_there()
    rules = {way: rule for a in addresses for way, rule in _rules(a).items()}
    batch([f"rule del {rule}" for way, rule in rules.items() if way in there])


def barred() -> list[str]:
    """Return the addresses that `shut_out` keeps off the network."""
    return sorted(to for _, to in _rules_there() if to)


def _rules_there() -> set[tuple[str, str | None]]:
    shown = subprocess.run(
        ["ip", "-j", "rule", "show", "pref", str(_SHUT_OUT)],
        check=True,
        capture_output=True,
        text=True,
    )
    return {(r.get("src"), r.get("dst")) for r in json.loads(shown.stdout or "[]")}


def _rules(address: str) -> dict[tuple[str, str | None], str]:
    """Return both rules by (source, destination) as `ip -j rule` shows them."""
    return {
        (address, None): f"pref {_SHUT_OUT} from {address} blackhole",
        ("all", address): f"pref {_SHUT_OUT} to {address} blackhole",
    }


def _set_link(name: str, *, up: bool) -> None:
    """Set or clear a port's IFF_UP. Source: netdevice(7)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        flags = _flags(name)
        wanted = flags | _IFF_UP if up else flags & ~_IFF_UP
        request = struct.pack("16sH14x", name.encode(), wanted)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def _flags(name: str) -> int:
    """Return a port's flags. Source: netdevice(7)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", name.encode(), 0)
        reply = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
        return int(struct.unpack("16sH14x", reply)[1])


def batch(lines: list[str]) -> None:
    """Run `ip` commands in one process."""
    if lines:
        text = "\n".join(lines) + "\n"
        subprocess.run(["ip", "-batch", "-"], input=text, text=True, check=True)


def _route_lines(spec: Spec) -> list[str]:
    return [
        f"route replace {r['prefix']} via {r['via']}"
        + (f" src {r['source']}" if r.get("source") else "")
        + (f" table {r['mark']}" if r.get("mark") else "")
        for r in spec.routes
    ]


def _marks(spec: Spec) -> list[int]:
    """Return the marks that have routes of their own, in a table of that number."""
    return [route["mark"] for route in spec.routes if route.get("mark")]


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

"""The delay of long links: netem where the kernel has it, else `lab.node.relay`.

With netem, either end of a link holds what leaves by it. Without, one end does it for
both ways: the link's address moves to a new port, and a relay carries frames between
that one and the engine's. Routes, ARP, BGP and BFD notice nothing but the time.
"""

from __future__ import annotations

import socket
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from lab.node import relay
from lab.node.network import port_names

#: Begins the name of a relay among the node's processes.
RELAY = "relay-"
#: So many packets may be on their way.
_LIMIT = 100_000


class Impossible(Exception):
    """Nothing here can delay a link; the message says what was tried."""


def lengthen(delays: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give links their delay; return the relays, if any, as processes to start.

    Args:
        delays: {"link", "address", "ms", "relay"}: the node's address on the link, one
            way's milliseconds, whether a relay would run at this end of it.

    Raises:
        Impossible: There is no netem, and no relay can be.
    """
    ports = port_names() if delays else {}
    relays = []
    for number, delay in enumerate(delays):
        port = ports[delay["address"].partition("/")[0]]
        refusal = _run(netem_argv(port, delay["ms"]))
        if refusal and delay["relay"]:
            relays.append(_relay(port, delay, f"long{number}", refusal))
    return relays


def lengthen_by(extra_ms: float, delay: dict[str, Any], port: str) -> None:
    """Make a link longer by this, while it carries; by 0 it is as long as before.

    Args:
        extra_ms: One way's milliseconds on top of the link's own.
        delay: As above, of the node's end; `ms` is 0 where nothing is declared.
        port: Of that end.

    Raises:
        Impossible: The means of `can_lengthen` refused.
    """
    ms = delay["ms"] + extra_ms
    if not has_netem():
        relay.tell(f"{RELAY}{delay['link']}", ms)
        return
    argv = netem_argv(port, ms) if ms else ["tc", "qdisc", "del", "dev", port, "root"]
    if refusal := _run(argv):
        raise Impossible(f"{delay['link']} stays as it is: {refusal}")


def can_lengthen(delay: dict[str, Any]) -> bool:
    """Tell whether this end of a link can make it longer while it carries."""
    return has_netem() or bool(delay["ms"] and delay["relay"])


@cache
def has_netem() -> bool:
    """Tell whether this kernel has netem, by a try at a port that is nobody's way."""
    return not _run(netem_argv("lo", 0)) and not _run(
        ["tc", "qdisc", "del", "dev", "lo", "root"]
    )


def netem_argv(port: str, ms: float) -> list[str]:
    """Return the command by which the kernel holds all that leaves by a port."""
    discipline = ["netem", "delay", f"{ms:g}ms", "limit", str(_LIMIT)]
    return ["tc", "qdisc", "replace", "dev", port, "root", *discipline]


def detour(port: str, near: str, address: str, mtu: str) -> list[str]:
    """Return the `ip` commands that put a place for a relay between address and port.

    The port and the far end answer no ARP: what arrives there is not for the kernel.
    """
    far = f"{near}-far"
    return [
        f"link add {near} mtu {mtu} type veth peer name {far} mtu {mtu}",
        f"link set {far} arp off up",
        f"link set {port} arp off",
        f"addr del {address} dev {port}",
        f"link set {near} up",
        f"addr add {address} dev {near}",
    ]


def _relay(
    port: str, delay: dict[str, Any], near: str, no_netem: str
) -> dict[str, Any]:
    mtu = Path(f"/sys/class/net/{port}/mtu").read_text().strip()
    commands = detour(port, near, delay["address"], mtu)
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        refusal = _run(["ip", "-batch", "-"], "\n".join(commands) + "\n")
    except OSError as exc:
        refusal = str(exc)
    if refusal:
        raise Impossible(
            f"the link {delay['link']} cannot have its delay of {delay['ms']:g} ms: "
            f"neither netem ({no_netem}) nor a relay ({refusal}) is possible"
        )
    name = f"{RELAY}{delay['link']}"
    module = ["python3", "-S", "-m", "lab.node.relay"]
    return {
        "name": name,
        "argv": [*module, name, f"{near}-far", port, str(delay["ms"])],
        "user": "",
        "env": {},
    }


def _run(argv: list[str], text: str = "") -> str:
    """Run a program; return "" where it worked, else its last words."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if not done.returncode:
        return ""
    said = done.stderr.strip().splitlines()
    return said[-1] if said else f"{argv[0]} ended with status {done.returncode}"

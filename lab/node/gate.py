"""A host's gate to its link, which it can close after it gave up NET_ADMIN.

While the node still may, it tells the kernel to lose whatever passes its port, in and
out, if a set has an entry; and to put that entry there, or take it away, when root
sends a certain packet to the node itself. Later on two system calls close the gate, at
an instant, and nobody on either side is told.

Source: nft(8) of 1.1, "ADDRESS FAMILIES" (netdev; egress, from Linux 5.16 on) and "SET
STATEMENT". The entry is a packet's mark, which is 0 for all of them.
"""

from __future__ import annotations

import socket
import subprocess

#: Of the node itself, and nobody's; the ports are those of nothing else there.
_ADDRESS = "127.0.0.9"
_CLOSE, _OPEN = 9, 10
_TABLE = "netdev gate"


class Gate:
    """The gate of a host's one port.

    Attributes:
        why_not: Why there is none, as the kernel said; "" if there is one.
        closed: Whether it is.
    """

    def __init__(self, port: str) -> None:
        """Build it, open; the node may still tell the kernel."""
        self.closed = False
        done = subprocess.run(
            ["nft", "-f", "-"],
            input=ruleset(port),
            capture_output=True,
            text=True,
            check=False,
        )
        said = [*done.stderr.splitlines(), f"nft ended with {done.returncode}"]
        self.why_not = said[0] if done.returncode else ""

    def close(self) -> None:
        """Close it: it is on return."""
        _tell(_CLOSE)
        self.closed = True

    def reopen(self) -> None:
        """Open it again; nothing happens to one that is open."""
        _tell(_OPEN)
        self.closed = False


def ruleset(port: str) -> str:
    """Return what `nft` is told, in one transaction."""
    told = f"meta skuid 0 ip daddr {_ADDRESS} udp dport"
    return f"""\
table {_TABLE} {{
  set closed {{ typeof meta mark; size 1; flags dynamic; }}
  chain told {{
    type filter hook egress device "lo" priority 0;
    {told} {_CLOSE} add @closed {{ meta mark }}
    {told} {_OPEN} delete @closed {{ meta mark }}
  }}
  chain arrives {{
    type filter hook ingress device "{port}" priority 0;
    meta mark @closed drop
  }}
  chain leaves {{
    type filter hook egress device "{port}" priority 0;
    meta mark @closed drop
  }}
}}
"""


def _tell(what: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.sendto(b"", (_ADDRESS, what))

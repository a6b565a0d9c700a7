"""nftables: L4 nodes whose kernels send packets on, and nothing of ours is in the way.

What reaches an L7 node is the user's own packet, so the reply goes straight back to
the user (direct server return); the L4 node sees one direction only.

Source: nft(8) of 1.1, "MAP STATEMENT", "JHASH"; ip-rule(8), `fwmark`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Address

from lab.plan.model import Condition, File, Process
from lab.render.model import Rendered
from lab.render.templates import fill
from lab.topology.l4 import L4Hash
from lab.topology.timers import LOOK_EVERY_S, LOOK_FALL, LOOK_RISE

RULESET = "/etc/lab/nftables/steering.nft"


def render(
    name: str,
    services: tuple[IPv4Address, ...],
    l7: Mapping[str, tuple[int, IPv4Address]],
    hashed: L4Hash,
    *,
    tls: bool = False,
) -> Rendered:
    """Return the steering of an L4 node's packets.

    Args:
        name: Node name.
        services: Addresses that it balances.
        l7: {L7 node: (mark of its packets, its address)}.
        hashed: How flows are shared out.
        tls: Whether it balances port 443 too, beside port 80.
    """
    nodes = {n: {"mark": mark, "address": str(a)} for n, (mark, a) in l7.items()}
    orders = {
        "ruleset": RULESET,
        "nodes": nodes,
        "hash": hashed,
        "path": "/l7-health",
        "interval_ms": int(LOOK_EVERY_S * 1000),
        "fall": LOOK_FALL,
        "rise": LOOK_RISE,
    }
    return Rendered(
        files=(
            File(
                path=RULESET,
                text=fill(
                    "nftables/steering.nft.j2",
                    name=name,
                    services=services,
                    ports="{ 80, 443 }" if tls else "80",
                ),
            ),
        ),
        processes=(
            Process(
                name="steering",
                argv=("python3", "-m", "lab.node.steering", json.dumps(orders)),
            ),
        ),
        conditions=(
            Condition(
                text="sends flows to every L7 node",
                kind="said",
                args={
                    "process": "steering",
                    "pattern": r"sends to (\d+)",
                    "want": str(len(l7)),
                },
            ),
        ),
        memory_mb=96,
    )

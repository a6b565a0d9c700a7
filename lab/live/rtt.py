"""How long round trips take in a running lab, beside what its links declare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from lab.live.channel import output_of, replies
from lab.live.fleet import Fleet
from lab.plan.nodes import router_address
from lab.topology.distance import round_trips_s
from lab.topology.l4 import L4Kind
from lab.topology.model import Topology

_TIMES = 10
_REPLY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way whose round trip is measured: from a node, on behalf of a network.

    Attributes:
        here: Network or transit at this end.
        there: Region or transit at the other.
        node: Node that measures.
        address: Whom it asks.
    """

    here: str
    there: str
    node: str
    address: IPv4Address


def ways(topology: Topology) -> tuple[Way, ...]:
    """Return every user's way to every region, then every long link.

    None at all where no link declares a delay. Where L4 nodes send packets on, nobody
    refuses a connection: they do so for the service's port, and drop all else.
    """
    long = [link for link in topology.links if link.delay_ms]
    transits = {t.name: router_address(t.prefix) for t in topology.transits}
    users = (
        Way(here=a.name, there=r.name, node=a.clients.name, address=r.address)
        for a in topology.access
        for r in topology.regions
        if r.l4_kind is not L4Kind.PACKET
    )
    links = (
        Way(here=here, there=there, node=here, address=transits[there])
        for here, there in (link.between for link in long)
    )
    return (*users, *links) if long else ()


def measured(fleet: Fleet, topology: Topology) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (node, detail) of each way's `rtt` event: the least of some round trips.

    Raises:
        CommandFailed: A node could not measure.
    """
    by_node: dict[str, list[Way]] = {}
    for way in ways(topology):
        by_node.setdefault(way.node, []).append(way)
    asked = {
        node: fleet.channels[node].request("run", argv=_argv(of), timeout_s=_REPLY_S)
        for node, of in by_node.items()
    }
    told = replies(asked, _REPLY_S)
    for node, of in by_node.items():
        took_ms = json.loads(output_of(told[node], node, _argv(of)))
        for way in of:
            declared = round_trips_s(topology, way.here, way.there)
            yield (
                node,
                {
                    "from": way.here,
                    "to": way.there,
                    "rtt_ms": took_ms[str(way.address)],
                    "declared_ms": [1000 * seconds for seconds in declared],
                },
            )


def _argv(of: list[Way]) -> tuple[str, ...]:
    module = ("python3", "-S", "-m", "lab.node.rtt")
    return (*module, str(_TIMES), *(str(way.address) for way in of))

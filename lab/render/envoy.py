"""Envoy: the L4 nodes' TCP proxy and the L7 nodes' HTTP proxy.

Panic routing is off: with no healthy host a request fails, it is not sent to the sick.

Source: the manual of Envoy 1.40, "Maglev", "Health checking", "Panic threshold".
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from types import MappingProxyType

from lab.plan.model import Condition, File, Process
from lab.render.model import Rendered
from lab.render.templates import fill
from lab.topology.model import L4Hash
from lab.topology.timers import LOOK_EVERY_S, LOOK_FALL, LOOK_RISE

CONFIG = "/etc/lab/envoy/envoy.yaml"
ADMIN_PORT = 9901

_LOOKS = {
    "look_every_s": LOOK_EVERY_S,
    "look_rise": LOOK_RISE,
    "look_fall": LOOK_FALL,
}
#: Envoy's words for the ways to hash.
_POLICIES = MappingProxyType({L4Hash.MAGLEV: "MAGLEV", L4Hash.RING: "RING_HASH"})

Hosts = tuple[tuple[str, IPv4Address], ...]


def render_l4(
    name: str, listen: tuple[IPv4Address, ...], l7: Hosts, hashed: L4Hash
) -> Rendered:
    """Return a TCP proxy on port 80 of every service address."""
    text = fill(
        "envoy/l4.yaml.j2",
        name=name,
        admin_port=ADMIN_PORT,
        **_LOOKS,
        listen=listen,
        l7=l7,
        policy=_POLICIES[hashed],
    )
    return running(text, {"l7": len(l7)})


def render_l7(
    name: str,
    region: str,
    listen: tuple[IPv4Address, ...],
    backends: Hosts,
    weights: tuple[int, ...],
    retries: int,
) -> Rendered:
    """Return an HTTP proxy in front of a region's backends, each with its weight."""
    text = fill(
        "envoy/l7.yaml.j2",
        name=name,
        region=region,
        admin_port=ADMIN_PORT,
        **_LOOKS,
        listen=listen,
        retries=retries,
        backends=[
            (a, weight) for (_, a), weight in zip(backends, weights, strict=True)
        ],
    )
    return running(text, {"backends": len(backends)})


def running(text: str, clusters: Mapping[str, int]) -> Rendered:
    """Return an Envoy with this configuration and so many hosts in each cluster."""
    argv = "envoy --concurrency 1 --disable-hot-restart --log-level warning -c"
    return Rendered(
        files=(File(path=CONFIG, text=text),),
        processes=(Process(name="envoy", argv=(*argv.split(), CONFIG)),),
        conditions=(
            Condition(
                text="every cluster healthy",
                kind="envoy",
                args={"port": ADMIN_PORT, "clusters": dict(clusters)},
            ),
        ),
        memory_mb=256,
    )

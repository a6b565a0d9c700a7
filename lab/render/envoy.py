"""Envoy: the L4 nodes' TCP proxy and the L7 nodes' HTTP proxy.

Panic routing is off: with no healthy host a request fails, it is not sent to the sick.

Source: the manual of Envoy 1.40, "Maglev", "Health checking", "Panic threshold".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from types import MappingProxyType

from lab.node.certificates import CERTIFICATE, FOLDER, KEY
from lab.plan.model import Condition, File, Process
from lab.render.model import Rendered
from lab.render.templates import fill
from lab.topology.l4 import L4Hash
from lab.topology.l7 import Header, L7Policy
from lab.topology.model import Region
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """What certificates are for: names; and the lab whose authority vouches."""

    lab: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Routed:
    """Requests by what they must look like, and the clusters that serve them."""

    path: str
    header: Header | None
    clusters: tuple[tuple[str, int], ...]


def render_l4(
    name: str,
    listen: tuple[IPv4Address, ...],
    l7: Hosts,
    hashed: L4Hash,
    *,
    tls: bool = False,
) -> Rendered:
    """Return a TCP proxy on port 80 of every service address, and on 443 if `tls`.

    It passes on what it cannot read.
    """
    clusters = {"l7": 80} | ({"l7-tls": 443} if tls else {})
    listeners = [
        (f"{'service' if port == 80 else 'tls'}-{number}", address, port, cluster)
        for cluster, port in clusters.items()
        for number, address in enumerate(listen, start=1)
    ]
    text = fill(
        "envoy/l4.yaml.j2",
        name=name,
        admin_port=ADMIN_PORT,
        **_LOOKS,
        listeners=listeners,
        clusters=tuple(clusters.items()),
        l7=l7,
        policy=_POLICIES[hashed],
    )
    return running(text, dict.fromkeys(clusters, len(l7)))


def render_l7(
    name: str,
    region: Region,
    listen: tuple[IPv4Address, ...],
    backends: Hosts,
    certified: Certified,
) -> Rendered:
    """Return an HTTP proxy in front of a region's backends, as the region declares."""
    weighted = tuple(
        (address, declared)
        for (_, address), declared in zip(backends, region.backends, strict=True)
    )
    routed = (share.subset for route in region.l7_policy.routes for share in route.to)
    clusters = {
        _cluster(subset): [
            (address, declared.weight)
            for address, declared in weighted
            if subset in (None, declared.subset)
        ]
        for subset in dict.fromkeys((None, *routed))
    }
    text = fill(
        "envoy/l7.yaml.j2",
        name=name,
        region=region.name,
        admin_port=ADMIN_PORT,
        **_LOOKS,
        listen=listen,
        retries=region.l7_retries,
        policy=region.l7_policy,
        routes=_routes(region.l7_policy),
        clusters=tuple(clusters.items()),
        certificate=f"{FOLDER}/{CERTIFICATE}",
        key=f"{FOLDER}/{KEY}",
    )
    hosts = {cluster: len(members) for cluster, members in clusters.items()}
    if not region.l7_policy.tls:
        return running(text, hosts)
    # The key is made where it is used, at each start.
    first = f"python3 -S -m lab.node.certificates serve {certified.lab} {name}"
    return running(text, hosts, first=(*first.split(), *certified.names, "--"))


def _routes(policy: L7Policy) -> tuple[_Routed, ...]:
    """Return the declared routes, and the one for whatever fits none of them."""
    declared = tuple(
        _Routed(
            path=route.path,
            header=route.header,
            clusters=tuple((_cluster(s.subset), s.weight) for s in route.to),
        )
        for route in policy.routes
    )
    if any(route.path == "/" and route.header is None for route in declared):
        return declared
    return (*declared, _Routed(path="/", header=None, clusters=((_cluster(None), 1),)))


def _cluster(subset: str | None) -> str:
    return "backends" if subset is None else f"backends-{subset}"


def running(
    text: str, clusters: Mapping[str, int], *, first: tuple[str, ...] = ()
) -> Rendered:
    """Return an Envoy with this configuration and so many hosts in each cluster.

    What is to be done before it starts ends in becoming it.
    """
    argv = "envoy --concurrency 1 --disable-hot-restart --log-level warning -c"
    return Rendered(
        files=(File(path=CONFIG, text=text),),
        processes=(Process(name="envoy", argv=(*first, *argv.split(), CONFIG)),),
        conditions=(
            Condition(
                text="every cluster healthy",
                kind="envoy",
                args={"port": ADMIN_PORT, "clusters": dict(clusters)},
            ),
        ),
        memory_mb=256,
    )

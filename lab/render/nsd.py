"""NSD: the root and the top-level domain, so that resolution starts at the top.

Source: nsd.conf(5) of NSD 4.12.
"""

from __future__ import annotations

from lab.plan.model import Condition, File, Process
from lab.render.model import Rendered
from lab.render.templates import fill
from lab.render.zones import delegations, parent_server_name, zone_name
from lab.topology.model import Parent, Topology

CONFIG = "/etc/lab/nsd/nsd.conf"


def render(topology: Topology, parent: Parent) -> Rendered:
    """Return the authoritative server of a parent zone."""
    zone, server = zone_name(parent.zone), parent_server_name(parent)
    children = delegations(topology, parent)
    config = fill("nsd/nsd.conf.j2", address=parent.address, zone=zone)
    records = fill(
        "nsd/parent.zone.j2",
        zone=zone,
        server=server,
        server_in_zone=zone == ".",
        address=parent.address,
        children=[{"zone": z, "servers": s} for z, s in children],
    )
    conditions = tuple(
        Condition(
            text=f"refers to the servers of {child}",
            kind="dns",
            args={"server": str(parent.address), "name": child, "empty_ok": True},
        )
        for child, _ in children
    )
    return Rendered(
        files=(
            File(path=CONFIG, text=config),
            File(path="/etc/lab/nsd/parent.zone", text=records),
        ),
        processes=(Process(name="nsd", argv=("nsd", "-d", "-c", CONFIG)),),
        conditions=conditions,
    )

"""Who is where, as a database that DNS providers look addresses up in (MaxMind DB).

Made from the topology alone: its networks and their coordinates, in the shape of
GeoIP2 City. There is nothing in it of countries, which no topology speaks of.

Source: MaxMind DB file format 2.0; the fields that gdnsd 3.8 and PowerDNS 4.9 read.
"""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from lab.plan.model import File
from lab.topology.model import Access, Geo, Location, Region, Topology, Transit

#: PowerDNS finds no coordinates where there is no radius. It is no number of degrees:
#: mmdb-writer would write a latitude of 1.0 as a radius of 1, which is no latitude.
_RADIUS_KM = 1000


def needs_geography(topology: Topology) -> bool:
    """Tell whether any served name is answered by distance."""
    return any(isinstance(name, Geo) for name in topology.zone.names)


def database_file(topology: Topology, path: str) -> File:
    """Return the database as a file of a plan."""
    text = encodebytes(database(topology)).decode("ascii")
    return File(path=path, text=text, binary=True)


def database(topology: Topology) -> bytes:
    """Return the database of every network that has a location; always the same."""
    # gdnsd takes coordinates from databases of cities only.
    writer = _Timeless(ip_version=4, database_type="GeoIP2-City")
    for prefix, place in _places(topology):
        position = {"latitude": float(place.lat), "longitude": float(place.lon)}
        location = {**position, "accuracy_radius": _RADIUS_KM}
        writer.insert_network(IPSet([str(prefix)]), {"location": location})
    with TemporaryDirectory() as folder:
        file = Path(folder) / "geography.mmdb"
        writer.to_db_file(str(file))
        return file.read_bytes()


class _Timeless(MMDBWriter):
    """A writer whose work does not depend on when it is done."""

    def _build_meta(self) -> dict[str, Any]:
        # libmaxminddb refuses 0.
        return {**super()._build_meta(), "build_epoch": 1}


def _places(topology: Topology) -> Iterator[tuple[IPv4Network, Location]]:
    sites: tuple[Access | Region | Transit, ...] = (
        *topology.access,
        *topology.regions,
        *topology.transits,
    )
    for site in sites:
        if site.location is not None:
            yield site.prefix, site.location

"""Rules of the geography database: who is in it, as what, and that it never changes."""

from __future__ import annotations

import struct
from base64 import b64decode
from ipaddress import IPv4Address

import pytest

from lab.render.geography import database, database_file, needs_geography
from lab.topology.model import Location
from tests.unit.worlds import quick, serving

_RECORD_BYTES = 3
_DOUBLE = b"\x68"  # type 3, 8 bytes


def entry(content: bytes, address: str) -> tuple[int, int]:
    """Return where the tree leads to, and after how many bits (MaxMind DB, 2.0)."""
    # Of the metadata, only the count of nodes is needed: one byte after its key.
    count = content[content.rindex(b"node_count") + len(b"node_count") + 1]
    bits = f"{int(IPv4Address(address)):032b}"
    node = 0
    for used, bit in enumerate(bits, start=1):
        at = (2 * node + int(bit)) * _RECORD_BYTES
        node = int.from_bytes(content[at : at + _RECORD_BYTES], "big")
        if node >= count:
            return node - count, used
    raise AssertionError(address)


class TestDatabase:
    @pytest.mark.parametrize(
        ("one", "another", "length"),
        [
            ("198.18.32.53", "198.18.47.255", 20),
            ("198.18.1.53", "198.18.1.8", 24),
            ("203.0.113.10", "203.0.113.1", 25),
        ],
    )
    def test_a_network_is_one_entry_of_its_own_length(
        self, one: str, another: str, length: int
    ) -> None:
        content = database(quick())

        assert entry(content, one) == entry(content, another)
        assert entry(content, one)[1] == length

    def test_regions_are_somewhere_else_than_their_users(self) -> None:
        found = {
            entry(database(quick()), address)[0]
            for address in (
                "203.0.113.10",
                "203.0.113.138",
                "198.18.32.1",
                "198.18.0.1",
            )
        }

        assert len(found) == 4

    def test_who_has_no_location_is_not_in_it(self) -> None:
        assert entry(database(quick()), "198.51.100.1")[0] == 0

    @pytest.mark.parametrize("degrees", [0.0, 1.0, 64.0, -180.0])
    def test_every_coordinate_is_a_double(self, degrees: float) -> None:
        place = Location(lat=degrees / 2, lon=degrees)
        first, *others = quick().access
        moved = (first.model_copy(update={"location": place}), *others)
        content = database(quick().model_copy(update={"access": moved}))

        for coordinate in (place.lat, place.lon):
            assert _DOUBLE + struct.pack(">d", coordinate) in content

    def test_it_does_not_depend_on_when_it_is_made(self) -> None:
        assert database(quick()) == database(quick())

    def test_it_is_a_city_database_and_small(self) -> None:
        content = database(quick())

        assert b"GeoIP2-City" in content
        assert len(content) < 1024


class TestFile:
    def test_its_text_stands_for_the_database(self) -> None:
        file = database_file(quick(), "/x.mmdb")

        assert file.binary
        assert b64decode(file.text) == database(quick())


class TestNeedsGeography:
    def test_only_a_geo_name_does(self) -> None:
        *others, geo = sorted(quick().zone.names, key=lambda n: n.policy == "geo")

        assert needs_geography(serving(quick(), geo))
        assert not needs_geography(serving(quick(), *others))

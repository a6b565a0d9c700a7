"""Rules of how long round trips are declared to take."""

from __future__ import annotations

import pytest

from lab.topology.distance import (
    as_declared_s,
    farthest_s,
    round_trip_bounds_s,
    round_trips_s,
)
from lab.topology.model import Topology, Transit, TransitLink
from tests.unit.worlds import quick


def linked(*links: tuple[str, str, float]) -> Topology:
    """Return two-region with these links between its transits and two more."""
    topology = quick()
    more = tuple(
        Transit.model_validate({"name": name, "asn": 64600 + n, "prefix": prefix})
        for n, (name, prefix) in enumerate(
            {"transit-c": "198.18.8.0/24", "transit-d": "198.18.9.0/24"}.items()
        )
    )
    return topology.model_copy(
        update={
            "transits": (*topology.transits, *more),
            "links": tuple(
                TransitLink(
                    name=f"{a}-{b}",
                    between=(f"transit-{a}", f"transit-{b}"),
                    delay_ms=delay_ms,
                )
                for a, b, delay_ms in links
            ),
        }
    )


class TestRoundTrips:
    def test_a_link_is_passed_twice(self) -> None:
        found = round_trips_s(linked(("a", "b", 40)), "access-us", "eu-west")

        assert found == (0.08, 0.08)

    def test_two_networks_at_one_transit_are_at_one_place(self) -> None:
        found = round_trips_s(linked(("a", "b", 40)), "access-us", "us-east")

        assert found == (0, 0)

    def test_the_fewest_transits_win_however_long_the_way(self) -> None:
        topology = linked(("a", "b", 100), ("a", "c", 1), ("c", "b", 1))

        assert round_trips_s(topology, "transit-a", "transit-b") == (0.2, 0.2)

    def test_equally_short_paths_give_a_range(self) -> None:
        topology = linked(("a", "c", 5), ("c", "b", 5), ("a", "d", 5), ("d", "b", 15))

        assert round_trips_s(topology, "access-us", "access-eu") == (0.02, 0.04)

    def test_where_no_path_leads_there_is_no_round_trip(self) -> None:
        with pytest.raises(KeyError, match="no path from access-us to eu-west"):
            round_trips_s(linked(), "access-us", "eu-west")

    def test_an_unknown_network_is_an_error(self) -> None:
        with pytest.raises(KeyError, match="mars"):
            round_trips_s(quick(), "access-us", "mars")


class TestFarthest:
    def test_is_the_longest_of_all_round_trips(self) -> None:
        topology = linked(("a", "b", 40), ("a", "c", 60), ("a", "d", 1))

        assert farthest_s(topology) == 0.2


class TestBounds:
    @pytest.mark.parametrize(
        ("declared_s", "expected"),
        [
            ((0.08, 0.08), (0.076, 0.084)),
            ((0.02, 0.02), (0.018, 0.022)),
            ((0, 0), (0, 0.002)),
            ((0.02, 0.08), (0.018, 0.084)),
        ],
    )
    def test_are_two_milliseconds_or_five_per_cent_away(
        self, declared_s: tuple[float, float], expected: tuple[float, float]
    ) -> None:
        assert as_declared_s(*declared_s) == pytest.approx(expected)

    def test_say_what_was_declared(self) -> None:
        topology = linked(("a", "b", 40))

        *bounds, why = round_trip_bounds_s(topology, "access-us", "eu-west")

        assert bounds == pytest.approx([0.076, 0.084])
        assert why.startswith("80 ms declared between access-us and eu-west")

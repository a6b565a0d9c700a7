"""Rules of how long round trips are declared to take."""

from __future__ import annotations

import pytest

from lab.topology.distance import (
    as_declared_s,
    farthest_s,
    reached,
    round_trip_bounds_s,
    round_trips_s,
    transits_of,
)
from lab.topology.model import Exchange, Topology, Transit, TransitLink
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


def peering(topology: Topology, *members: str) -> Topology:
    """Return the topology with an exchange of these transits."""
    names = tuple(f"transit-{member}" for member in members)
    return topology.model_copy(update={"ixps": (Exchange(name="ix", members=names),)})


class TestTransitsOf:
    def test_a_region_has_those_of_its_edges(self) -> None:
        topology = quick()
        east, west = topology.regions
        both = {"transit": None, "transits": ("transit-a", "transit-b"), "edges": 2}
        moved = topology.model_copy(
            update={"regions": (east.model_copy(update=both), west)}
        )

        assert transits_of(moved, "us-east") == ("transit-a", "transit-b")
        assert transits_of(topology, "us-east") == ("transit-a",)
        assert transits_of(topology, "transit-a") == ("transit-a",)


class TestReached:
    REGIONS = ("us-east", "eu-west")

    def test_the_nearer_one_is(self) -> None:
        topology = linked(("a", "b", 0), ("c", "a", 0))

        assert reached(topology, "transit-c", self.REGIONS) == {"us-east"}

    def test_all_at_the_same_distance_are(self) -> None:
        topology = linked(("c", "a", 0), ("c", "b", 0))

        assert reached(topology, "transit-c", self.REGIONS) == {*self.REGIONS}

    def test_a_peer_is_preferred_to_the_end_of_a_link(self) -> None:
        topology = peering(linked(("c", "a", 0)), "c", "b")

        assert reached(topology, "transit-c", self.REGIONS) == {"eu-west"}

    def test_peers_pass_on_what_they_have_to_those_who_buy_of_them(self) -> None:
        topology = peering(linked(("d", "c", 0)), "c", "b")

        assert reached(topology, "transit-d", self.REGIONS) == {"eu-west"}

    def test_but_not_to_other_peers(self) -> None:
        topology = peering(linked(("c", "b", 0)), "d", "c")

        assert reached(topology, "transit-d", self.REGIONS) == frozenset()


class TestRoundTrips:
    def test_an_exchange_has_no_length(self) -> None:
        topology = peering(linked(("a", "c", 10), ("b", "c", 5)), "a", "b")

        assert round_trips_s(topology, "access-us", "access-eu") == (0, 0)

    def test_the_way_back_need_not_be_the_way_there(self) -> None:
        links = linked(("a", "c", 10), ("a", "d", 30), ("d", "b", 30))

        found = round_trips_s(peering(links, "c", "b"), "transit-a", "transit-b")

        # a to c to its peer b and a to d to b are as short; back there is only d.
        assert found == (0.07, 0.12)

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

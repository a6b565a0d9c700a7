"""Rules of distances, of who is near whom, and of where a question seems to be from."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from lab.topology.geography import (
    degrees,
    kilometres,
    nearest_first,
    preferred,
    seen_from,
    site_of,
)
from lab.topology.model import Access, Geo, Location, Resolver, ResolverBehaviour
from tests.unit.worlds import quick

LONDON = Location(lat=51.5, lon=-0.1)
NEW_YORK = Location(lat=40.7, lon=-74.0)
FIJI = Location(lat=-18.0, lon=178.0)
SAMOA = Location(lat=-14.0, lon=-172.0)
POLE = Location(lat=90, lon=0)
GEO = Geo(name="geo", policy="geo", regions=("us-east", "eu-west"))
US, EU = quick().access


def resolver(behaviour: str, **more: object) -> Resolver:
    own = quick().access[0].resolvers[0]
    return own.model_copy(update={"behaviour": ResolverBehaviour(behaviour), **more})


def of_the_transit(behaviour: str, **more: object) -> Resolver:
    return resolver(behaviour, address=IPv4Address("198.18.1.9"), **more)


class TestKilometres:
    @pytest.mark.parametrize(
        ("here", "there", "km"),
        [(LONDON, NEW_YORK, 5571), (FIJI, SAMOA, 1154), (LONDON, LONDON, 0)],
    )
    def test_they_are_those_of_the_great_circle(
        self, here: Location, there: Location, km: float
    ) -> None:
        assert kilometres(here, there) == pytest.approx(km, abs=10)
        assert kilometres(there, here) == pytest.approx(kilometres(here, there))

    def test_half_way_round_is_the_farthest(self) -> None:
        south = Location(lat=-90, lon=100)

        assert kilometres(POLE, south) == pytest.approx(20_015, abs=1)


class TestDegrees:
    def test_a_degree_of_longitude_is_as_long_at_the_pole(self) -> None:
        far = Location(lat=90, lon=100)

        assert kilometres(POLE, far) == pytest.approx(0, abs=1e-6)
        assert degrees(POLE, far) == 100

    def test_the_map_is_round_in_one_direction_only(self) -> None:
        assert degrees(FIJI, SAMOA) == pytest.approx(10.8, abs=0.1)
        assert degrees(SAMOA, FIJI) == pytest.approx(350, abs=0.1)


class TestNearestFirst:
    def test_it_is_by_distance_and_not_by_the_order_given(self) -> None:
        places = {"samoa": SAMOA, "new-york": NEW_YORK}

        assert nearest_first(LONDON, places) == ("new-york", "samoa")
        assert nearest_first(FIJI, places) == ("samoa", "new-york")


class TestPreferred:
    def test_each_network_prefers_its_own_side(self) -> None:
        assert preferred(quick(), GEO, US) == ("us-east", "eu-west")
        assert preferred(quick(), GEO, EU) == ("eu-west", "us-east")

    def test_nobody_is_near_a_network_without_a_location(self) -> None:
        nowhere = US.model_copy(update={"location": None})

        with pytest.raises(ValueError, match="no location"):
            preferred(quick(), GEO, nowhere)


class TestSiteOf:
    @pytest.mark.parametrize(
        ("address", "site"),
        [("198.18.40.10", "access-us"), ("198.18.1.53", "transit-b")],
    )
    def test_an_address_belongs_to_the_network_of_its_prefix(
        self, address: str, site: str
    ) -> None:
        assert site_of(quick(), IPv4Address(address)).name == site

    def test_a_region_asks_nobody(self) -> None:
        with pytest.raises(KeyError):
            site_of(quick(), IPv4Address("203.0.113.10"))


class TestSeenFrom:
    def seen(self, asked: Resolver, access: Access = US) -> str | None:
        site = seen_from(quick(), asked, access)
        return site.name if site else None

    def test_users_seem_to_be_where_their_resolver_is(self) -> None:
        assert self.seen(resolver("honest")) == "access-us"
        assert self.seen(of_the_transit("honest")) == "transit-b"
        assert self.seen(of_the_transit("no-ecs")) == "transit-b"

    def test_a_resolver_that_tells_the_subnet_corrects_that(self) -> None:
        told = ("provider-a", "provider-b")

        assert self.seen(of_the_transit("ecs", ecs_to=told)) == "access-us"
        assert self.seen(of_the_transit("ecs", ecs_to=told), EU) == "access-eu"

    def test_nobody_knows_when_it_tells_one_of_two_providers(self) -> None:
        assert self.seen(of_the_transit("ecs", ecs_to=("provider-a",))) is None
        assert self.seen(resolver("ecs", ecs_to=("provider-a",))) == "access-us"

    def test_behind_a_forwarder_it_is_the_one_forwarded_to(self) -> None:
        assert self.seen(resolver("forwarding", forwards_to="public")) == "transit-b"

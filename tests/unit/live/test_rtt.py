"""Rules of which round trips are measured in a lab."""

from __future__ import annotations

import pytest

from lab.live.rtt import ways
from lab.topology.model import Topology
from tests.unit.worlds import quick


@pytest.fixture
def near() -> Topology:
    """Return a topology in which nothing is far."""
    topology = quick()
    links = tuple(link.model_copy(update={"delay_ms": 0}) for link in topology.links)
    return topology.model_copy(update={"links": links})


@pytest.fixture
def far(near: Topology) -> Topology:
    """Return a topology with a long link."""
    (link,) = near.links
    long = link.model_copy(update={"delay_ms": 40})
    return near.model_copy(update={"links": (long,)})


class TestWays:
    def test_users_measure_to_each_region_and_transits_along_their_link(
        self, far: Topology
    ) -> None:
        found = [(way.node, way.here, way.there) for way in ways(far)]

        assert found == [
            ("users-us", "access-us", "us-east"),
            ("users-us", "access-us", "eu-west"),
            ("users-eu", "access-eu", "us-east"),
            ("users-eu", "access-eu", "eu-west"),
            ("transit-a", "transit-a", "transit-b"),
        ]

    def test_a_region_is_asked_at_the_address_that_users_get(
        self, far: Topology
    ) -> None:
        assert ways(far)[0].address == far.region("us-east").address

    def test_where_no_link_is_long_nothing_is_measured(self, near: Topology) -> None:
        assert ways(near) == ()

"""Rules of the topology as a model: what it tells of its names."""

from __future__ import annotations

import pytest

from lab.topology.model import Failover, Geo, RoundRobin
from tests.unit.worlds import quick, serving

REGIONS = ("us-east", "eu-west")
RR = RoundRobin(name="rr", policy="round-robin", regions=REGIONS)
FAILOVER = Failover(name="failover", policy="failover", regions=REGIONS, ttl_s=3)
GEO = Geo(name="geo", policy="geo", regions=REGIONS)
CHECKED_GEO = Geo(name="near", policy="geo", regions=REGIONS, failover=True)


class TestTtl:
    def test_it_is_the_names_own_or_everybodys(self) -> None:
        topology = serving(quick(), RR, FAILOVER)

        assert topology.ttl_s("failover") == 3
        assert topology.ttl_s("rr") == topology.timers.ttl_s

    def test_a_name_that_is_not_served_has_none(self) -> None:
        with pytest.raises(KeyError):
            quick().ttl_s("www")


class TestCheckedNames:
    def test_failover_is_checked_and_geo_where_it_fails_over(self) -> None:
        topology = serving(quick(), RR, FAILOVER, GEO, CHECKED_GEO)

        assert topology.checked_names == (FAILOVER, CHECKED_GEO)

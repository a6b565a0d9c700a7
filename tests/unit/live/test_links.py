"""Rules of `lab.live.links`."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from lab.errors import EnvironmentUnfit
from lab.live.links import SPACES, free_subnets, routes_from
from lab.plan.links import DEFAULT_SPACE, LINK_PREFIX_LENGTH

TABLE = """\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
"""


class TestFreeSubnets:
    def test_on_an_empty_host_they_are_those_of_the_default_space(self) -> None:
        subnets = DEFAULT_SPACE.subnets(new_prefix=LINK_PREFIX_LENGTH)

        assert free_subnets(3, ()) == tuple(next(subnets) for _ in range(3))

    def test_what_is_taken_is_passed_over(self) -> None:
        first, second = free_subnets(2, ())

        assert free_subnets(1, (first,)) == (second,)

    def test_a_wide_route_sends_the_lab_elsewhere(self) -> None:
        wide = IPv4Network("10.0.0.0/8")

        assert all(not s.overlaps(wide) for s in free_subnets(20, (wide,)))

    def test_no_room_is_told_with_numbers_and_remedy(self) -> None:
        with pytest.raises(EnvironmentUnfit, match="only 0 of 2 links") as caught:
            free_subnets(2, SPACES)

        assert "lab down --all" in str(caught.value)


class TestRoutesFrom:
    def test_destinations_are_read_but_for_the_default_route(self) -> None:
        assert routes_from(TABLE) == (
            IPv4Network("172.17.0.0/16"),
            IPv4Network("10.0.0.0/8"),
        )

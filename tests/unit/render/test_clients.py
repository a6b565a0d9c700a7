"""Rules of a client node: no daemon, and the whole lab as its condition."""

from __future__ import annotations

import pytest

from lab.render import clients
from lab.render.model import Rendered
from lab.topology.model import Access
from tests.unit.worlds import quick

ACCESS = quick().access


def rendered(access: Access = ACCESS[0]) -> Rendered:
    return clients.render(quick(), access)


class TestNode:
    def test_nothing_runs_in_it_until_a_scenario_starts_agents(self) -> None:
        assert rendered().processes == ()
        assert rendered().files == ()

    def test_it_may_capture_packets_and_nothing_more(self) -> None:
        assert rendered().capabilities == ("NET_RAW",)


class TestJourneys:
    @pytest.mark.parametrize("access", ACCESS, ids=lambda a: a.name)
    def test_by_way_of_its_own_resolvers_and_the_public_ones(
        self, access: Access
    ) -> None:
        own = {r.name: str(r.address) for r in access.resolvers}
        asked = [c.args["resolvers"] for c in rendered(access).conditions]

        assert asked == [{n: a} for n, a in {**own, "public": "198.18.1.8"}.items()]

    def test_every_name_is_asked_for(self) -> None:
        names = {n.name + ".example.com" for n in quick().zone.names}

        for condition in rendered().conditions:
            assert condition.kind == "journey"
            assert set(condition.args["names"]) == names  # type: ignore[call-overload]

    def test_failover_must_lead_to_its_primary(self) -> None:
        for condition in rendered().conditions:
            regions = condition.args["regions"]
            assert regions["failover.example.com"] == "us-east"  # type: ignore[index]

    @pytest.mark.parametrize(
        ("access", "own"), [(ACCESS[0], "us-east"), (ACCESS[1], "eu-west")]
    )
    def test_geo_must_lead_to_the_region_nearest_to_the_resolver(
        self, access: Access, own: str
    ) -> None:
        nearest = [
            c.args["regions"]["geo.example.com"]  # type: ignore[index]
            for c in rendered(access).conditions
        ]

        assert nearest == [own, own, own, "eu-west"]  # the last is the public one

    def test_no_resolver_is_asked_before_health_checks_have_settled(self) -> None:
        primary = {"name": "failover.example.com", "expect": ["203.0.113.10"]}
        here, there = "198.18.32.0", "198.18.1.0"  # the last is the public one's

        for condition, subnet in zip(
            rendered().conditions, (here, here, here, there), strict=True
        ):
            assert condition.args["after"] == [
                {"server": str(p.address), "subnet": subnet, **primary}
                for p in quick().zone.providers
            ]

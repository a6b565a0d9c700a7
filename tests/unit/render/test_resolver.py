"""Rules of every brand of resolver: what must be before it may be asked."""

from __future__ import annotations

from lab.render.resolver import authorities_settled, resolves
from lab.topology.model import Geo
from tests.unit.worlds import quick, serving

REGIONS = ("us-east", "eu-west")
NEAR = Geo(name="near", policy="geo", regions=REGIONS, failover=True)
PLAIN = Geo(name="plain", policy="geo", regions=REGIONS)
US, EU = quick().access


class TestAuthoritiesSettled:
    def test_each_provider_must_give_each_network_its_nearest_region(self) -> None:
        topology = serving(quick(), NEAR, PLAIN)

        assert authorities_settled(topology, US, EU) == [
            {
                "server": str(provider.address),
                "name": "near.example.com",
                "subnet": subnet,
                "expect": [address],
            }
            for provider in topology.zone.providers
            for subnet, address in (
                ("198.18.32.0", "203.0.113.10"),
                ("198.18.48.0", "203.0.113.138"),
            )
        ]


class TestResolves:
    def test_every_name_is_asked_for_and_none_too_early(self) -> None:
        resolver = US.resolvers[0]
        asked = [c.args for c in resolves(quick(), resolver)]

        assert [a["name"] for a in asked] == [
            f"{n.name}.example.com" for n in quick().zone.names
        ]
        for args in asked:
            assert args["after"] == authorities_settled(quick(), US)

"""Rules of both brands of provider: what they must answer before they are ready."""

from __future__ import annotations

import pytest

from lab.render.authority import answers
from lab.topology.model import Provider
from tests.unit.worlds import quick

PROVIDERS = quick().zone.providers


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda p: p.name)
class TestAnswers:
    def test_every_name_is_asked_of_the_provider_itself(
        self, provider: Provider
    ) -> None:
        asked = [c.args for c in answers(quick(), provider)]

        assert {a["server"] for a in asked} == {str(provider.address)}
        assert [a["name"] for a in asked] == [
            f"{n.name}.example.com" for n in quick().zone.names
        ]

    def test_failover_and_geo_have_one_right_answer(self, provider: Provider) -> None:
        expected = {
            c.args["name"]: c.args["expect"] for c in answers(quick(), provider)
        }
        near = "203.0.113.10" if provider.name == "provider-a" else "203.0.113.138"

        assert expected.pop("failover.example.com") == ["203.0.113.10"]
        assert expected.pop("geo.example.com") == [near]
        assert list(expected.values()) == [[]] * 3

    def test_a_provider_that_is_nowhere_may_give_any_region(
        self, provider: Provider
    ) -> None:
        transits = tuple(
            t.model_copy(update={"location": None}) for t in quick().transits
        )
        topology = quick().model_copy(update={"transits": transits})

        expected = {
            c.args["name"]: c.args["expect"] for c in answers(topology, provider)
        }
        assert expected["geo.example.com"] == []

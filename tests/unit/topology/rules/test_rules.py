"""Rules about the rules; what each one says is in `tests/golden/errors`."""

from typing import Any

import pytest

from lab.topology.draft import Draft
from lab.topology.rules import RULES, Rule, findings


class TestFindings:
    def test_a_sound_topology_has_none(self, data: dict[str, Any]) -> None:
        assert list(findings(Draft(data))) == []

    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
    @pytest.mark.parametrize(
        "data",
        [
            None,
            [],
            "text",
            {},
            {"regions": {}, "zone": [], "access": "x", "links": 5, "transits": None},
            {"regions": [None, 5, {}], "zone": {"names": [None, {"regions": 5}]}},
            {"links": [{"between": [1, 2]}, {"between": ["a"]}]},
            {"zone": {"name": "..", "parents": [{"zone": ".."}]}},
        ],
    )
    def test_no_rule_trips_over_a_malformed_document(
        self, rule: Rule, data: object
    ) -> None:
        assert list(rule(Draft(data))) == []

    def test_the_last_address_of_all_is_no_stumbling_block(
        self, data: dict[str, Any]
    ) -> None:
        data["regions"][0]["prefix"] = "255.255.255.255/32"

        whats = [f.what for f in findings(Draft(data))]
        assert any("no room for a router" in what for what in whats)

    def test_one_transit_needs_no_link(self, data: dict[str, Any]) -> None:
        north = data["transits"][0]
        data["transits"], data["links"] = [north], []
        for attached in (
            *data["regions"],
            *data["access"],
            *data["zone"]["providers"],
            *data["zone"]["parents"],
            *data["public_resolvers"],
        ):
            attached["transit"] = north["name"]

        whats = [f.what for f in findings(Draft(data))]
        assert not any("link" in what for what in whats)

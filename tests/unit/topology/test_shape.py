"""Rules of telling a person which value has the wrong shape."""

from typing import Any

import pytest
from pydantic import ValidationError

from lab.topology.finding import Finding
from lab.topology.model import Topology
from lab.topology.shape import findings, validated


def found(data: object) -> list[Finding]:
    return list(findings(Topology, data))


class TestFindings:
    def test_a_valid_topology_has_none(self, data: dict[str, Any]) -> None:
        assert found(data) == []

    @pytest.mark.parametrize("value", ["20", True, 20.0, None, [20]])
    def test_nothing_is_taken_for_a_number_that_is_none(
        self, data: dict[str, Any], value: object
    ) -> None:
        data["timers"]["ttl_s"] = value

        (finding,) = found(data)
        assert finding.path == ("timers", "ttl_s")
        assert finding.allowed == "a whole number from 1 to 86400"

    def test_a_policy_is_no_step_of_the_path(self, data: dict[str, Any]) -> None:
        data["zone"]["names"][1]["weights"]["us-east"] = 0

        (finding,) = found(data)
        assert finding.path == ("zone", "names", 1, "weights", "us-east")
        assert finding.what == 'name "weighted": weights.us-east is 0'
        assert finding.allowed == "a whole number from 1 to 1000000"

    def test_a_key_that_is_no_name_is_told_at_the_key(
        self, data: dict[str, Any]
    ) -> None:
        data["zone"]["names"][1]["weights"]["US East"] = 5

        (finding,) = found(data)
        assert finding.at_key
        assert finding.what == 'name "weighted": weights: "US East" is no name'

    def test_a_malformed_item_does_not_make_its_list_too_short(
        self, data: dict[str, Any]
    ) -> None:
        data["transits"] = [{**data["transits"][0], "asn": "x"}]

        assert [f.path for f in found(data)] == [("transits", 0, "asn")]

    def test_a_policy_of_another_kind_is_told_with_those_that_exist(
        self, data: dict[str, Any]
    ) -> None:
        data["zone"]["names"][0]["policy"] = ["round-robin"]

        (finding,) = found(data)
        assert finding.what == 'name "rr": policy is a list of 1'
        assert finding.allowed == (
            "one of anycast, failover, geo, global-l4, hybrid, round-robin, weighted"
        )

    @pytest.mark.parametrize("data", [None, [], "text", 5, {}])
    def test_anything_else_is_no_topology(self, data: object) -> None:
        assert found(data)


class TestValidated:
    def test_a_topology_survives_the_way_through_plain_data(
        self, two_region: Topology, data: dict[str, Any]
    ) -> None:
        assert validated(Topology, data) == two_region

    def test_what_is_wrong_is_refused(self) -> None:
        with pytest.raises(ValidationError):
            validated(Topology, {})

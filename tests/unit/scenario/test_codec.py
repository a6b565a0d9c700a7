from __future__ import annotations

import json
from typing import get_args

import pytest

from lab.scenario.codec import scenario_from_json, scenario_to_json
from lab.scenario.model import Expectation, Step
from tests.unit.worlds import quick, region_kill


class TestCodec:
    @pytest.mark.parametrize("fault", ["power-off", "crash", "drain"])
    def test_a_scenario_survives_its_json(self, fault: str) -> None:
        scenario = region_kill(quick(), f"fault={fault}")

        text = json.dumps(scenario_to_json(scenario))

        assert scenario_from_json(json.loads(text)) == scenario

    def test_every_step_and_expectation_says_what_it_is(self) -> None:
        raw = scenario_to_json(region_kill(quick()))

        known = {c.__name__ for c in (*get_args(Step), *get_args(Expectation))}
        assert {x["is"] for x in (*raw["steps"], *raw["expectations"])} <= known

    def test_an_unknown_one_is_refused(self) -> None:
        raw = scenario_to_json(region_kill(quick()))
        raw["steps"].append({"is": "Earthquake"})

        with pytest.raises(ValueError, match="a scenario has no 'Earthquake'"):
            scenario_from_json(raw)

    def test_an_unknown_field_is_refused(self) -> None:
        raw = scenario_to_json(region_kill(quick()))
        raw["steps"][0]["surprise"] = 1

        with pytest.raises(ValueError, match="surprise"):
            scenario_from_json(raw)

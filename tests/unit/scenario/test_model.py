"""Rules of the values of a scenario: how much a fault is."""

from __future__ import annotations

import math

import pytest

from lab.scenario.codec import scenario_from_json, scenario_to_json
from lab.scenario.model import Fault, FaultKind, Scenario


class TestFault:
    def test_how_much_it_is_has_a_name(self) -> None:
        slow = Fault(kind=FaultKind.SLOW, target="long-haul", extra_ms=50)
        crash = Fault(kind=FaultKind.CRASH, target="us-east")

        assert slow.amounts == {"extra_ms": 50}
        assert crash.amounts == {}

    @pytest.mark.parametrize("loss", [-0.1, 0, 1, 30, math.nan])
    def test_a_share_that_is_none_is_refused_with_what_is_one(
        self, loss: float
    ) -> None:
        said = "lossy needs loss: more than 0, at most 0.99; not "

        with pytest.raises(ValueError, match=said):
            Fault(kind=FaultKind.LOSSY, target="long-haul", loss=loss)

    @pytest.mark.parametrize("extra_ms", [0, -5, 1001, math.inf])
    def test_no_link_is_slower_than_the_longest_that_can_be_declared(
        self, extra_ms: float
    ) -> None:
        said = "slow needs extra_ms: more than 0, at most 1000; not "

        with pytest.raises(ValueError, match=said):
            Fault(kind=FaultKind.SLOW, target="long-haul", extra_ms=extra_ms)

    def test_an_amount_of_another_kind_is_refused(self) -> None:
        with pytest.raises(ValueError, match="crash has no loss; lossy has"):
            Fault(kind=FaultKind.CRASH, target="us-east", loss=0.3)

    def test_it_survives_the_codec(self) -> None:
        lossy = Fault(kind=FaultKind.LOSSY, target="long-haul", loss=0.3)
        told = Scenario(
            name="grey",
            title="A link is up and bad",
            questions=("Q14",),
            knobs=(),
            watch=(),
            steps=(lossy,),
            expectations=(),
        )

        assert scenario_from_json(scenario_to_json(told)) == told

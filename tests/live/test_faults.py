"""A region suffers, on a real lab, and recovers."""

from __future__ import annotations

import pytest

from lab.errors import WrongUse
from lab.live.world import LiveWorld
from lab.scenario.model import FaultKind
from lab.topology.model import Topology

pytestmark = pytest.mark.live


@pytest.fixture
def region(topology: Topology) -> str:
    return topology.regions[0].name


class TestInject:
    def test_a_region_that_does_not_exist_is_refused_with_those_that_do(
        self, world: LiveWorld, region: str
    ) -> None:
        with pytest.raises(WrongUse, match=f'no region "atlantis".*{region}'):
            world.inject(FaultKind.CRASH, "atlantis")

    def test_what_suffers_from_nothing_cannot_be_restored(
        self, world: LiveWorld, region: str
    ) -> None:
        with pytest.raises(WrongUse, match="suffers from no fault"):
            world.undo(region)

    @pytest.mark.parametrize("kind", FaultKind)
    def test_a_fault_is_struck_once_and_undone_to_the_baseline(
        self, world: LiveWorld, region: str, kind: FaultKind
    ) -> None:
        effect = world.inject(kind, region)
        try:
            with pytest.raises(WrongUse, match="already"):
                world.inject(FaultKind.CRASH, region)
        finally:
            world.undo(region)

        assert 0 <= effect.uncertainty_ns < 500_000_000
        assert world.status().ready

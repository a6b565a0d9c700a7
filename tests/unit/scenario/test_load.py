"""Rules of what is asked of a region."""

from __future__ import annotations

import pytest

from lab.scenario import load
from lab.topology.loading import load as topology
from tests.unit.scenario.test_forecast import cohort

SURGE = topology("surge").regions[0]  # two backends that serve 100 each


def test_headroom_is_what_usual_load_leaves() -> None:
    assert load.usual_rps(SURGE, 1.0) == pytest.approx(180)
    assert load.usual_rps(SURGE, 2.0) == pytest.approx(90)


def test_a_cohort_asks_at_the_pace_of_all_its_clients() -> None:
    assert load.rate_rps((cohort("failover"), cohort("anycast"))) == 2 / 0.5 + 2 / 0.2


def test_what_is_too_much_is_a_share_of_what_is_asked() -> None:
    assert load.excess(400, SURGE) == 0.5
    assert load.excess(100, SURGE) == 0.0

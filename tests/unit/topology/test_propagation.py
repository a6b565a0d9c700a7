"""Rules of who knows which way, and of who hears when of another one."""

from __future__ import annotations

import pytest

from lab.topology.loading import load
from lab.topology.model import Topology
from lab.topology.propagation import (
    Change,
    Path,
    Undecided,
    changes,
    paths,
    settled_s,
    without_s,
)
from tests.unit.worlds import ROOT, quick

BOTH = {"us-east": 0, "eu-west": 0}
#: So often that nobody prefers eu-west.
BACKUP = {"us-east": 0, "eu-west": 4}
FAR = ("transit-us", "pacific", "transit-ap", "transit-eu", "eu-west")


@pytest.fixture
def chain() -> Topology:
    """Return a topology of transits in a row, 60, 0 and 80 ms long."""
    return load(ROOT / "topologies/hybrids.yaml")


def regions(topology: Topology, sites: dict[str, int]) -> dict[str, str]:
    found = paths(topology, sites)
    return {transit: path.region for transit, path in found.items() if path}


class TestPaths:
    def test_the_fewest_networks_decide_however_long_the_way(
        self, chain: Topology
    ) -> None:
        assert regions(chain, BOTH) == {
            "transit-us": "us-east",
            "pacific": "us-east",
            "transit-ap": "eu-west",
            "transit-eu": "eu-west",
        }

    def test_a_path_is_as_long_as_it_is_made(self, chain: Topology) -> None:
        assert set(regions(chain, BACKUP).values()) == {"us-east"}

    def test_who_hears_of_none_has_none(self, chain: Topology) -> None:
        assert set(paths(chain, {}).values()) == {None}

    def test_equally_long_paths_are_not_for_us_to_decide(self, chain: Topology) -> None:
        with pytest.raises(Undecided, match="transit-eu has paths of one length"):
            paths(chain, {"us-east": 0, "eu-west": 3})


class TestChanges:
    def test_what_is_known_already_is_used_at_once(self) -> None:
        told = changes(quick(), BOTH, lost="us-east")

        other = Path(networks=("transit-a", "transit-b", "eu-west"))
        assert told == {"transit-a": (Change(at_s=0.0, path=other),)}

    def test_a_way_that_nobody_told_of_is_heard_of_after_there_and_back(
        self, chain: Topology
    ) -> None:
        told = changes(chain, BOTH, lost="us-east")

        gone, back = told["transit-us"]
        assert (gone.at_s, gone.path) == (0.0, None)
        assert back.at_s == pytest.approx(2 * 0.06)
        assert back.path == Path(networks=FAR)
        assert [c.at_s for c in told["pacific"]] == [0.06]
        assert "transit-eu" not in told

    def test_the_farther_the_other_way_is_hidden_the_longer(
        self, chain: Topology
    ) -> None:
        told = changes(chain, BACKUP, lost="us-east")

        assert without_s(told["transit-us"]) == pytest.approx(2 * (0.06 + 0.08))
        assert without_s(told["transit-ap"]) == pytest.approx(2 * 0.08)
        assert without_s(told["transit-eu"]) == 0

    def test_the_last_site_leaves_nothing(self, chain: Topology) -> None:
        told = changes(chain, {"us-east": 0}, lost="us-east")

        assert {name: [c.path for c in of] for name, of in told.items()} == {
            name: [None] for name in FAR[:-1]
        }


class TestSettled:
    def test_a_way_is_settled_with_its_last_transit(self, chain: Topology) -> None:
        told = changes(chain, BACKUP, lost="us-east")
        way = Path(networks=FAR)

        assert settled_s(told, way) == pytest.approx(0.28)
        assert settled_s(told, Path(networks=FAR[3:])) == pytest.approx(0.14)
        assert settled_s(told, None) == 0

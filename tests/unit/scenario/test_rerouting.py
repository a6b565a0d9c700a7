"""Rules of who serves an address that several regions may announce, and since when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.errors import InvalidInput
from lab.scenario import bounds, common, pick
from lab.scenario.model import Bound
from lab.scenario.rerouting import Rerouting, standing_in
from lab.topology.loading import load
from lab.topology.model import AnycastName
from lab.topology.profiles import Profile, apply
from lab.topology.timers import Announce
from tests.unit.worlds import ROOT, quick

TOPOLOGY = apply(load(ROOT / "topologies/hybrids.yaml"), Profile.QUICK)
ANYCAST = Rerouting(topology=TOPOLOGY, lost="us-east")
SILENCE = bounds.silence(TOPOLOGY.timers)
EXACT = pytest.approx


def hybrid(name: str) -> Rerouting:
    return replace(ANYCAST, hybrid=TOPOLOGY.hybrid(name))


class TestServes:
    def test_anycast_serves_by_the_fewest_networks(self) -> None:
        assert ANYCAST.serves("access-us") == "us-east"
        assert ANYCAST.serves("access-ap") == "eu-west"

    @pytest.mark.parametrize("name", ["prepending", "superprefix", "reactive"])
    def test_a_hybrid_is_served_by_whom_it_is_meant_for(self, name: str) -> None:
        assert hybrid(name).serves("access-us") == "us-east"
        assert hybrid(name).serves("access-ap") == "us-east"

    def test_paths_that_are_not_made_longer_decide_as_before(self) -> None:
        bare = TOPOLOGY.hybrid("prepending").model_copy(update={"prepend": 0})

        assert replace(ANYCAST, hybrid=bare).serves("access-ap") == "eu-west"

    def test_a_tie_is_refused(self) -> None:
        tied = TOPOLOGY.hybrid("prepending").model_copy(update={"prepend": 3})

        with pytest.raises(InvalidInput, match="transit-eu has paths of one length"):
            replace(ANYCAST, hybrid=tied).serves("access-ap")


class TestDark:
    def test_another_way_is_heard_of_after_there_and_back(self) -> None:
        assert ANYCAST.dark_s == EXACT(0.12)
        assert hybrid("prepending").dark_s == EXACT(0.28)

    def test_what_is_known_already_is_missed_by_nobody(self) -> None:
        assert Rerouting(topology=quick(), lost="us-east").dark_s == 0

    def test_a_wider_prefix_is_there_already(self) -> None:
        dark = hybrid("superprefix").dark()

        assert (dark.low_s, dark.high_s) == (0, 0)
        assert str(hybrid("superprefix").fallback) == "198.18.66.0/24"

    def test_who_stands_by_announces_after_it_has_missed_the_region_itself(
        self,
    ) -> None:
        dark, moved = hybrid("reactive").dark(), hybrid("reactive").moved("access-us")

        assert dark.high_s == EXACT(moved.high_s - SILENCE.low_s + bounds.CONVERGENCE_S)
        assert 0 <= dark.low_s < moved.low_s


class TestMoved:
    def test_beside_the_lost_region_nothing_leads_anywhere_until_then(self) -> None:
        moved = ANYCAST.moved("access-us")

        assert moved.low_s == EXACT(SILENCE.low_s + 0.95 * 0.12)
        assert moved.high_s == EXACT(SILENCE.high_s + 1.05 * 0.12)

    def test_elsewhere_packets_may_be_turned_round_before_the_news_is_there(
        self,
    ) -> None:
        moved = hybrid("prepending").moved("access-ap")

        assert moved.low_s == SILENCE.low_s
        assert moved.high_s == EXACT(SILENCE.high_s + 1.05 * 0.22)


class TestStandingIn:
    def test_looks_go_bad_by_their_timeout_one_after_the_other(self) -> None:
        announce = Announce(interval_ms=200, fall=3)
        bound = standing_in(announce, round_trip_s=0.2)

        assert bound.low_s == EXACT(0.5 - 0.2 + 2 * 0.2)
        assert bound.high_s == EXACT(3 * 0.7 + 0.4 + bounds.IN_FLIGHT_S)


class TestFollowing:
    def test_users_are_back_a_way_and_an_attempt_after_the_routes(self) -> None:
        moved = Bound(low_s=1.0, high_s=2.0, why="")
        cohort = pick.cohort(
            TOPOLOGY.access[1],
            TOPOLOGY.access[1].resolvers[0],
            pick.name(TOPOLOGY, AnycastName),
            clients=1,
            interval_ms=200,
        )
        bound = common.following(TOPOLOGY, cohort, "us-east", moved)

        # 60 ms away; the resolver asks a provider there, 120 ms for the round trip.
        assert bound.low_s == EXACT(1.0 - 0.06 - 0.12)
        assert bound.high_s == EXACT(2.0 + bounds.CONVERGENCE_S + 0.06 + 0.2)

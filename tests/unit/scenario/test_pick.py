"""Choosing from a topology, and what is said of what it lacks."""

from __future__ import annotations

import pytest

from lab.errors import InvalidInput
from lab.scenario import pick
from lab.topology.loading import load
from lab.topology.model import Failover, ResolverBehaviour, Weighted

STEERING, MINIMAL = load("steering"), load("minimal")


class TestNames:
    def test_the_first_of_a_policy_is_taken(self) -> None:
        assert pick.name(STEERING, Weighted).name == "weighted"

    def test_the_one_wanted_is_taken(self) -> None:
        assert pick.name(STEERING, Weighted, "even").name == "even"

    def test_one_of_another_policy_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(InvalidInput, match="weighted, even"):
            pick.name(STEERING, Weighted, "failover")

    def test_a_topology_without_any_is_told(self) -> None:
        with pytest.raises(InvalidInput, match="minimal has not"):
            pick.name(MINIMAL, Weighted)

    def test_what_it_must_be_like_counts(self) -> None:
        found = pick.name(STEERING, Failover, where=lambda n: n.threshold is not None)
        assert found.name == "slow"


class TestResolvers:
    def test_of_each_brand_one_that_resolves_by_itself_and_does_not_clamp(self) -> None:
        kinds = [(r.daemon, r.behaviour) for r in pick.brands(STEERING)]
        assert ResolverBehaviour.CLAMPING not in {b for _, b in kinds}
        assert {d for d, _ in kinds} == {"unbound", "recursor", "bind"}

    def test_a_public_one_is_asked_from_the_first_network(self) -> None:
        public = STEERING.public_resolvers[0]
        assert pick.access_of(STEERING, public).name == "access-us"


class TestPair:
    def test_is_of_two_regions_in_their_order(self) -> None:
        assert [r.name for r in pick.pair(load("surge"))] == ["shedding", "queueing"]

    def test_three_are_refused(self) -> None:
        with pytest.raises(InvalidInput, match="steering has 3 regions"):
            pick.pair(STEERING)


class TestSteered:
    def test_fails_over_and_has_one_address(self) -> None:
        assert pick.steered(load("designs")).name == "app"

    def test_a_topology_without_any_is_told(self) -> None:
        with pytest.raises(InvalidInput, match="surge has not"):
            pick.steered(load("surge"))


class TestLongLink:
    def test_it_is_the_one_between_them_from_either_end(self) -> None:
        found = pick.long_link(load("two-region"), "transit-b", "transit-a")
        assert (found.name, found.delay_ms) == ("long-haul", 40)

    def test_where_there_is_none_it_is_said(self) -> None:
        with pytest.raises(InvalidInput, match="a link with a delay_ms between transi"):
            pick.long_link(MINIMAL, "transit", "transit-b")


class TestOfOneEdge:
    def test_its_uplink_is_its_only_way_out(self) -> None:
        assert pick.of_one_edge(load("two-region"), "us-east").edges == 1

    def test_a_region_of_several_is_refused_with_how_many(self) -> None:
        several = load("three-pop")
        name = several.regions[0].name

        with pytest.raises(InvalidInput, match=f"{name} has 2 edges"):
            pick.of_one_edge(several, name)


class TestSpared:
    def test_a_region_with_two_of_each_can_lose_one(self) -> None:
        assert pick.spared(load("two-region"), "eu-west").name == "eu-west"

    def test_one_that_could_not_is_refused_with_what_it_has(self) -> None:
        with pytest.raises(InvalidInput, match="l4: 1 and 1 backend"):
            pick.spared(MINIMAL, "red")


class TestProviders:
    def test_are_told_apart_by_how_they_decide(self) -> None:
        hasty, patient = pick.hasty_and_patient(STEERING)
        assert (hasty.daemon, patient.daemon) == ("pdns", "gdnsd")

    def test_are_told_apart_by_the_scope_of_their_answers(self) -> None:
        narrow, wide = pick.by_scope(STEERING)
        assert (narrow.daemon, wide.daemon) == ("pdns", "gdnsd")

    def test_one_alone_is_not_enough(self) -> None:
        with pytest.raises(InvalidInput, match="counts failures"):
            pick.hasty_and_patient(MINIMAL)

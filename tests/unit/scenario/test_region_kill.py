"""Rules of the headline scenario."""

from __future__ import annotations

import pytest

from lab.errors import InvalidInput
from lab.scenario.model import (
    Behaviour,
    CacheOnPath,
    CauseAtMost,
    Cohort,
    DetectedWithin,
    FailsOnlyWithin,
    Fault,
    NoFailures,
    Observe,
    Prime,
    ProveCache,
    RecoversWithin,
    RecoveryRatio,
    RescuedByRetry,
    Restore,
    Scenario,
    SlowestRecoversWithin,
)
from lab.topology.model import Topology
from tests.unit import worlds

KINDS = ["power-off", "crash", "drain"]


def step_of(scenario: Scenario, kind: type) -> object:
    return next(s for s in scenario.steps if isinstance(s, kind))


def rate(watch: tuple[Cohort, ...]) -> float:
    return sum(c.clients * 1000 / c.interval_ms for c in watch)


class TestWatch:
    def test_covers_each_resolver_in_reach_and_each_behaviour(self) -> None:
        watch = worlds.region_kill(worlds.quick()).watch
        combinations = {(c.access, c.resolver, c.behaviour, c.qname) for c in watch}

        assert len(combinations) == len(watch) == 2 * 4 * (3 + 3 + 1)
        assert ("access-us", "public", Behaviour.PINNED, "failover") in combinations
        assert ("access-us", "eu-honest", Behaviour.PINNED, "failover") not in (
            combinations
        )

    def test_names_are_unique(self) -> None:
        names = [c.name for c in worlds.region_kill(worlds.quick()).watch]

        assert len(set(names)) == len(names)

    def test_stays_below_300_attempts_a_second(self) -> None:
        assert rate(worlds.region_kill(worlds.quick()).watch) == 248


class TestSteps:
    @pytest.mark.parametrize("kind", KINDS)
    def test_tell_the_story_in_order(self, kind: str) -> None:
        steps = worlds.region_kill(worlds.quick(), f"fault={kind}").steps

        assert [type(s) for s in steps] == [Prime, ProveCache, Fault, Observe, Restore]

    @pytest.mark.parametrize(
        ("topology", "age_s"), [(worlds.quick(), 4), (worlds.real(), 20)]
    )
    def test_age_is_a_third_of_the_ttl_in_force(
        self, topology: Topology, age_s: float
    ) -> None:
        fault = step_of(worlds.region_kill(topology), Fault)

        assert isinstance(fault, Fault)
        assert fault.at_age_s == age_s

    def test_only_a_drain_waits(self) -> None:
        waits = {}
        for kind in KINDS:
            fault = step_of(worlds.region_kill(worlds.quick(), f"fault={kind}"), Fault)
            assert isinstance(fault, Fault)
            waits[kind] = fault.drain_s

        assert waits == {"power-off": 0, "crash": 0, "drain": 6 + 12 + 0.5}

    @pytest.mark.parametrize("kind", KINDS)
    def test_observation_outlasts_every_bound(self, kind: str) -> None:
        scenario = worlds.region_kill(worlds.quick(), f"fault={kind}")
        observe = step_of(scenario, Observe)
        last = max(
            e.bound.high_s
            for e in scenario.expectations
            if isinstance(e, RecoversWithin | FailsOnlyWithin | SlowestRecoversWithin)
        )

        assert isinstance(observe, Observe)
        assert observe.for_s > last + 2


class TestExpectations:
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_cohort_has_one(self, kind: str) -> None:
        scenario = worlds.region_kill(worlds.quick(), f"fault={kind}")
        covered = {
            e.cohort
            for e in scenario.expectations
            if isinstance(e, RecoversWithin | FailsOnlyWithin | NoFailures)
        }

        assert covered == {c.name for c in scenario.watch}

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_provider_and_resolver_is_held_to_its_part(self, kind: str) -> None:
        expected = worlds.region_kill(worlds.quick(), f"fault={kind}").expectations

        assert {e.provider for e in expected if isinstance(e, DetectedWithin)} == {
            "provider-a",
            "provider-b",
        }
        assert len([e for e in expected if isinstance(e, CacheOnPath)]) == 7
        assert [e.share for e in expected if isinstance(e, CauseAtMost)] == [0.01]
        assert len([e for e in expected if isinstance(e, RescuedByRetry)]) == 1

    @pytest.mark.parametrize(("kind", "count"), [("power-off", 6), ("drain", 0)])
    def test_ratio_compares_honest_dns_with_anycast(
        self, kind: str, count: int
    ) -> None:
        expected = worlds.region_kill(worlds.quick(), f"fault={kind}").expectations
        ratios = [e for e in expected if isinstance(e, RecoveryRatio)]

        assert len(ratios) == count
        assert all("/failover/" in r.slow and "/anycast/" in r.fast for r in ratios)
        assert all(1 < r.low < r.high for r in ratios)

    def test_drained_lab_loses_attempts_of_clamped_and_pinned_clients_only(
        self,
    ) -> None:
        expected = worlds.region_kill(worlds.quick(), "fault=drain").expectations
        losing = {e.cohort for e in expected if isinstance(e, RecoversWithin)}

        assert losing
        assert all("/failover/" in name for name in losing)
        assert all("clamping" in name or "pinned" in name for name in losing)

    def test_every_bound_says_why(self) -> None:
        for e in worlds.region_kill(worlds.real()).expectations:
            if isinstance(e, RecoversWithin):
                assert e.bound.low_s < e.bound.high_s
                assert e.bound.why


class TestKnobs:
    def test_are_told_with_the_values_in_force(self) -> None:
        knobs = dict(worlds.region_kill(worlds.quick(), "fault=crash").knobs)

        assert knobs["fault"] == "crash"
        assert knobs["target"] == "us-east"
        assert knobs["age_s"] == "4"

    def test_unknown_region_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(InvalidInput, match="allowed: us-east, eu-west"):
            worlds.region_kill(worlds.quick(), "target=mars")

    @pytest.mark.parametrize("age", ["0.5", "11", "40"])
    def test_age_at_which_nothing_is_cached_or_proven_is_refused(
        self, age: str
    ) -> None:
        with pytest.raises(InvalidInput, match="allowed: 2 to 10"):
            worlds.region_kill(worlds.quick(), f"age_s={age}")

    def test_timer_set_by_hand_moves_the_bounds(self) -> None:
        scenario = worlds.region_kill(worlds.quick(), "bfd.interval_ms=300")
        anycast = next(
            e
            for e in scenario.expectations
            if isinstance(e, RecoversWithin) and "/anycast/" in e.cohort
        )

        asking_s = 0.08  # a round trip to the farther provider
        assert anycast.bound.low_s == pytest.approx(4 * 0.3 - asking_s)

    def test_another_target_hurts_the_other_side(self) -> None:
        scenario = worlds.region_kill(worlds.quick(), "target=eu-west")
        hurt = {
            e.cohort for e in scenario.expectations if isinstance(e, RecoversWithin)
        }

        assert hurt
        assert all(name.startswith("access-eu/anycast/") for name in hurt)

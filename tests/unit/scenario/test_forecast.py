"""Rules of who depends on what when a region dies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.scenario import forecast, in_front
from lab.scenario.model import (
    Behaviour,
    Cohort,
    FailsOnlyWithin,
    Fault,
    FaultKind,
    NoFailures,
    RecoversWithin,
)
from lab.topology.loading import load
from lab.topology.model import Failover, Probe
from lab.topology.profiles import Profile, apply, override
from tests.unit import worlds

TOPOLOGY = worlds.quick()


def fault(kind: FaultKind, target: str = "us-east") -> Fault:
    drains = kind is FaultKind.DRAIN
    wait_s = forecast.drain_s(TOPOLOGY, interval_s=0.5) if drains else 0
    return Fault(kind=kind, target=target, at_age_s=4, drain_s=wait_s)


def cohort(
    qname: str, resolver: str = "us-honest", behaviour: str = "first-address"
) -> Cohort:
    return Cohort(
        name="c",
        access="access-eu" if resolver.startswith("eu") else "access-us",
        resolver=resolver,
        behaviour=Behaviour(behaviour),
        qname=qname,
        clients=2,
        interval_ms=200 if qname == "anycast" else 500,
    )


def outlook(of: Cohort, what: Fault) -> list[type]:
    return [type(e) for e in forecast.outlook(TOPOLOGY, of, what).expectations]


class TestDrain:
    def test_waits_for_detection_one_ttl_and_one_attempt(self) -> None:
        timers = TOPOLOGY.timers
        detected_s = 2 * timers.check.interval_s + timers.check.timeout_s + 1

        assert forecast.drain_s(TOPOLOGY, interval_s=0.5) == (
            detected_s + timers.ttl_s + 0.5
        )


class TestCatchment:
    def test_is_the_region_on_the_own_transit(self) -> None:
        assert forecast.catchment(TOPOLOGY, "access-us") == {"us-east"}
        assert forecast.catchment(TOPOLOGY, "access-eu") == {"eu-west"}

    def test_reaches_over_transit_links_if_there_is_none_nearer(self) -> None:
        one = TOPOLOGY.model_copy(update={"regions": TOPOLOGY.regions[:1]})

        assert forecast.catchment(one, "access-eu") == {"us-east"}

    def test_holds_all_regions_at_the_same_distance(self) -> None:
        east, west = TOPOLOGY.regions
        beside = west.model_copy(update={"transit": east.transit})
        both = TOPOLOGY.model_copy(update={"regions": (east, beside)})

        assert forecast.catchment(both, "access-us") == {"us-east", "eu-west"}

    def test_is_empty_without_a_way(self) -> None:
        split = TOPOLOGY.model_copy(
            update={"regions": TOPOLOGY.regions[:1], "links": ()}
        )

        assert forecast.catchment(split, "access-eu") == frozenset()


class TestAskingS:
    @pytest.mark.parametrize(
        ("resolver", "round_trips"),
        [("us-honest", 1), ("public", 2), ("eu-honest", 1)],
    )
    def test_is_the_way_to_the_resolver_and_from_there_to_the_farthest_provider(
        self, resolver: str, round_trips: int
    ) -> None:
        (link,) = TOPOLOGY.links
        long = link.model_copy(update={"delay_ms": 50})
        far = TOPOLOGY.model_copy(update={"links": (long,)})

        asking_s = forecast.asking_s(far, cohort("failover", resolver))

        assert asking_s == pytest.approx(round_trips * 0.1)

    def test_a_forwarding_resolver_asks_by_way_of_another(self) -> None:
        (link,) = TOPOLOGY.links
        long = link.model_copy(update={"delay_ms": 50})
        access, *others = TOPOLOGY.access
        home = access.resolvers[0].model_copy(update={"forwards_to": "public"})
        forwarding = access.model_copy(update={"resolvers": (home,)})
        far = TOPOLOGY.model_copy(
            update={"links": (long,), "access": (forwarding, *others)}
        )

        asking_s = forecast.asking_s(far, cohort("failover", home.name))

        assert asking_s == pytest.approx(0.2)


class TestServiceDead:
    def at(self, depth: str, kind: FaultKind) -> list[type]:
        topology = override(TOPOLOGY, {"announce_depth": depth})
        seen = forecast.outlook(topology, cohort("anycast"), fault(kind))
        return [type(e) for e in seen.expectations]

    @pytest.mark.parametrize(
        ("depth", "seen"),
        [
            ("node", []),
            ("pop", []),
            ("region", [FaultKind.APP_DEAD]),
            ("deep", [FaultKind.APP_DEAD, FaultKind.BROWN_OUT]),
        ],
    )
    def test_users_come_back_if_somebody_looked_so_far_down(
        self, depth: str, seen: list[FaultKind]
    ) -> None:
        for kind in (FaultKind.APP_DEAD, FaultKind.BROWN_OUT):
            assert self.at(depth, kind) == ([RecoversWithin] if kind in seen else [])

    def test_what_is_not_heeded_is_not_withdrawn(self) -> None:
        unbound = override(TOPOLOGY, {"announce_bound": "off"})
        dead = fault(FaultKind.APP_DEAD)

        assert not forecast.outlook(unbound, cohort("anycast"), dead).expectations

    def test_a_shallow_check_fails_once_the_route_is_gone(self) -> None:
        name = TOPOLOGY.served("failover")
        assert isinstance(name, Failover)
        shallow = name.model_copy(update={"probe": Probe.SHALLOW})
        others = (n for n in TOPOLOGY.zone.names if n.name != "failover")
        zone = TOPOLOGY.zone.model_copy(update={"names": (shallow, *others)})
        topology = TOPOLOGY.model_copy(update={"zone": zone})
        deep = override(topology, {"announce_depth": "deep"})
        browned_out = fault(FaultKind.BROWN_OUT)

        assert not forecast.is_detected(topology, "failover", browned_out)
        assert forecast.is_detected(deep, "failover", browned_out)


class TestAnycast:
    def test_own_catchment_recovers_with_the_route(self) -> None:
        assert outlook(cohort("anycast"), fault(FaultKind.POWER_OFF)) == [
            RecoversWithin
        ]

    def test_other_catchment_loses_nothing(self) -> None:
        other = cohort("anycast", "eu-honest")

        assert outlook(other, fault(FaultKind.POWER_OFF)) == [NoFailures]

    def test_drain_loses_nothing(self) -> None:
        assert outlook(cohort("anycast"), fault(FaultKind.DRAIN)) == [NoFailures]

    def test_a_service_that_fails_behind_a_shallow_check_keeps_its_route(self) -> None:
        assert outlook(cohort("anycast"), fault(FaultKind.BROWN_OUT)) == []

    def test_recovery_sooner_than_the_next_attempt_may_go_unseen(self) -> None:
        bfd = TOPOLOGY.timers.bfd.model_copy(update={"interval_ms": 10})
        timers = TOPOLOGY.timers.model_copy(update={"bfd": bfd})
        fast = TOPOLOGY.model_copy(update={"timers": timers})

        seen = forecast.outlook(fast, cohort("anycast"), fault(FaultKind.POWER_OFF))

        assert seen.recovery is not None
        assert seen.recovery.low_s == 0


class TestFailover:
    def test_both_sides_depend_on_the_first_region(self) -> None:
        for resolver in ("us-honest", "eu-honest"):
            of = cohort("failover", resolver)
            assert outlook(of, fault(FaultKind.POWER_OFF)) == [RecoversWithin]

    @pytest.mark.parametrize("behaviour", sorted(set(Behaviour) - {Behaviour.POOL}))
    def test_one_address_leaves_no_behaviour_another_way(
        self, behaviour: Behaviour
    ) -> None:
        of = cohort("failover", behaviour=behaviour)

        assert outlook(of, fault(FaultKind.POWER_OFF)) == [RecoversWithin]

    def test_nobody_can_tell_where_a_kept_connection_leads(self) -> None:
        of = cohort("failover", behaviour=Behaviour.POOL)

        assert outlook(of, fault(FaultKind.POWER_OFF)) == []

    def test_second_region_is_not_in_the_answer(self) -> None:
        of = cohort("failover")

        assert outlook(of, fault(FaultKind.POWER_OFF, "eu-west")) == [NoFailures]

    @pytest.mark.parametrize(
        ("resolver", "behaviour"),
        [
            ("us-honest", "first-address"),
            ("us-honest", "retry-next"),
            ("us-stale", "first-address"),
            ("public", "first-address"),
        ],
    )
    def test_who_leaves_before_the_stop_survives_a_drain(
        self, resolver: str, behaviour: str
    ) -> None:
        of = cohort("failover", resolver, behaviour)

        assert outlook(of, fault(FaultKind.DRAIN)) == [NoFailures]

    @pytest.mark.parametrize(
        ("resolver", "behaviour"),
        [("us-clamping", "first-address"), ("us-honest", "pinned")],
    )
    def test_clamped_and_pinned_outlive_a_drain(
        self, resolver: str, behaviour: str
    ) -> None:
        of, drain = cohort("failover", resolver, behaviour), fault(FaultKind.DRAIN)
        expected = forecast.outlook(TOPOLOGY, of, drain).expectations
        window = expected[0]

        assert [type(e) for e in expected] == [FailsOnlyWithin, RecoversWithin]
        assert isinstance(window, FailsOnlyWithin)
        assert window.bound.low_s == pytest.approx(drain.drain_s - 1)
        travel_s = forecast.asking_s(TOPOLOGY, of)
        left_s = 22.5 + travel_s if behaviour == "first-address" else 27 + 2 * travel_s
        assert window.bound.high_s == pytest.approx(left_s)


class TestRoundRobin:
    def test_retry_next_loses_nothing_when_a_region_falls_silent(self) -> None:
        of = cohort("rr", behaviour="retry-next")

        assert outlook(of, fault(FaultKind.POWER_OFF)) == [NoFailures]

    def test_a_region_that_accepts_and_never_serves_holds_retry_next(self) -> None:
        for kind in (FaultKind.HANG, FaultKind.APP_DEAD, FaultKind.BROWN_OUT):
            assert outlook(cohort("rr", behaviour="retry-next"), fault(kind)) == []

    def test_retry_next_may_meet_a_dying_proxy(self) -> None:
        of = cohort("rr", behaviour="retry-next")
        (expected,) = forecast.outlook(
            TOPOLOGY, of, fault(FaultKind.CRASH)
        ).expectations

        assert isinstance(expected, FailsOnlyWithin)
        assert expected.at_least == 0
        assert expected.bound.high_s < 0.5

    def test_nobody_predicts_which_address_comes_first(self) -> None:
        assert outlook(cohort("rr"), fault(FaultKind.POWER_OFF)) == []


DESIGNS = apply(load("designs"), Profile.QUICK)


class TestSteeredByPlace:
    def recoveries(self, resolver: str) -> list[type]:
        of = cohort("app", resolver)
        found = forecast.outlook(DESIGNS, of, fault(FaultKind.POWER_OFF))
        return [type(e) for e in found.expectations]

    def test_who_is_sent_to_the_dead_region_follows_the_cache(self) -> None:
        assert self.recoveries("us-honest") == [RecoversWithin]

    def test_who_is_told_by_a_resolver_far_away_loses_nothing(self) -> None:
        assert self.recoveries("public") == [NoFailures]

    def test_whose_subnet_is_told_is_sent_as_a_neighbour_is(self) -> None:
        assert self.recoveries("public-ecs") == [RecoversWithin]

    def test_nothing_is_said_where_caches_have_no_set_age(self) -> None:
        now = replace(fault(FaultKind.POWER_OFF), at_age_s=None)
        assert forecast.outlook(DESIGNS, cohort("app"), now).recovery is None


class TestBalanced:
    def test_the_balancer_s_looks_decide(self) -> None:
        found = forecast.outlook(
            DESIGNS, cohort("balanced"), fault(FaultKind.POWER_OFF)
        ).recovery
        seen = in_front.detection(DESIGNS.timers, round_trip_s=0.0)

        assert found is not None
        assert found.high_s == pytest.approx(seen.high_s + 0.5)

    def test_what_a_kernel_says_when_it_dies_is_not_foretold(self) -> None:
        of = cohort("balanced")
        assert forecast.outlook(DESIGNS, of, fault(FaultKind.CRASH)).recovery is None

    def test_a_region_that_it_does_not_prefer_is_not_missed(self) -> None:
        what = fault(FaultKind.POWER_OFF, "eu-west")
        assert forecast.outlook(DESIGNS, cohort("balanced"), what).recovery is None


class TestAtWorst:
    def at_worst_s(
        self, qname: str, resolver: str = "us-honest", behaviour: str = "first-address"
    ) -> float:
        of = cohort(qname, resolver, behaviour)
        found = forecast.at_worst_s(DESIGNS, of, fault(FaultKind.POWER_OFF))
        assert found is not None
        return found

    def test_an_answer_may_be_fetched_just_before_checks_decide(self) -> None:
        decided_s, copy_s, asking_s = 6.0, 1.0, 0.08

        assert self.at_worst_s("app") == pytest.approx(
            decided_s + 12 + copy_s + 0.5 + asking_s
        )

    def test_clamps_stale_answers_and_pins_come_on_top(self) -> None:
        honest_s, once_s = self.at_worst_s("app"), 0.58

        assert self.at_worst_s("app", "us-clamping") == pytest.approx(honest_s + 6)
        assert self.at_worst_s("app", "us-stale") == pytest.approx(
            honest_s + 6 + once_s
        )
        assert self.at_worst_s("app", behaviour="pinned") == pytest.approx(
            honest_s + 20 + once_s
        )

    def test_no_answer_is_too_old_where_the_route_moves(self) -> None:
        of, what = cohort("anycast"), fault(FaultKind.POWER_OFF)
        bound = forecast.outlook(DESIGNS, of, what).recovery

        assert bound is not None
        assert self.at_worst_s("anycast") == bound.high_s

    def test_what_nobody_can_foretell_has_no_worst(self) -> None:
        of, what = cohort("rr"), fault(FaultKind.POWER_OFF)
        assert forecast.at_worst_s(DESIGNS, of, what) is None

"""Rules of scaling and setting timers."""

import pytest

from lab.errors import InvalidInput
from lab.topology.loading import load
from lab.topology.model import Topology
from lab.topology.profiles import (
    SETTINGS,
    Profile,
    apply,
    is_setting,
    override,
    undivided,
)
from lab.topology.timers import Bfd, Check, Depth, Timers


def with_timers(topology: Topology, timers: Timers) -> Topology:
    return topology.model_copy(update={"timers": timers})


class TestApply:
    def test_real_changes_nothing(self, two_region: Topology) -> None:
        assert apply(two_region, Profile.REAL) == two_region

    def test_quick_divides_what_belongs_to_dns_checks_and_caches_by_five(
        self, two_region: Topology
    ) -> None:
        timers = apply(two_region, Profile.QUICK).timers

        assert timers.ttl_s == 12
        assert timers.check == Check(interval_s=2, timeout_s=1, threshold=2)
        assert timers.clamp_s == 25
        assert timers.stale_answer_ttl_s == 6
        assert timers.pin_s == 30

    def test_quick_leaves_routing_alone(self, two_region: Topology) -> None:
        before, after = two_region.timers, apply(two_region, Profile.QUICK).timers

        assert after.bfd == before.bfd
        assert after.bgp == before.bgp
        assert after.announce == before.announce

    def test_quick_changes_nothing_but_timers(self, two_region: Topology) -> None:
        quick = apply(two_region, Profile.QUICK)

        same = with_timers(quick, two_region.timers)
        assert same.model_copy(update={"divided_by": 1}) == two_region

    def test_quick_divides_a_name_s_own_ttl_too(self, two_region: Topology) -> None:
        first, *others = two_region.zone.names
        names = (first.model_copy(update={"ttl_s": 300}), *others)
        zone = two_region.zone.model_copy(update={"names": names})
        quick = apply(two_region.model_copy(update={"zone": zone}), Profile.QUICK)

        assert quick.ttl_s(first.name) == 60
        assert {quick.ttl_s(name.name) for name in others} == {12}

    @pytest.mark.parametrize("interval_s", [2, 3, 10, 11, 255])
    def test_every_quick_check_is_one_that_a_daemon_can_do(
        self, two_region: Topology, interval_s: int
    ) -> None:
        check = Check(interval_s=interval_s, timeout_s=interval_s - 1, threshold=3)
        timers = two_region.timers.model_copy(update={"check": check})

        quick = apply(with_timers(two_region, timers), Profile.QUICK).timers.check
        assert Check.model_validate(quick.model_dump()) == quick
        assert quick.timeout_s < quick.interval_s
        assert quick.threshold == 3

    def test_the_least_ttl_stays_a_ttl(self, two_region: Topology) -> None:
        timers = two_region.timers.model_copy(update={"ttl_s": 1})

        assert apply(with_timers(two_region, timers), Profile.QUICK).timers.ttl_s == 1


class TestUndivided:
    def test_a_profile_is_taken_back(self, two_region: Topology) -> None:
        first, *others = two_region.zone.names
        own = first.model_copy(update={"ttl_s": 300})
        zone = two_region.zone.model_copy(update={"names": (own, *others)})
        written = two_region.model_copy(update={"zone": zone})

        assert undivided(apply(written, Profile.QUICK)) == written

    def test_what_no_profile_has_divided_stays(self, two_region: Topology) -> None:
        assert undivided(two_region) == two_region

    def test_a_timer_that_a_person_set_grows_with_the_others(
        self, two_region: Topology
    ) -> None:
        quick = override(apply(two_region, Profile.QUICK), {"ttl": "20"})

        assert undivided(quick).timers.ttl_s == 100


class TestOverride:
    def test_no_settings_change_nothing(self, two_region: Topology) -> None:
        assert override(two_region, {}) == two_region

    @pytest.mark.parametrize(
        "name", ["check.interval_s", "check.interval", "check_interval"]
    )
    def test_a_timer_has_a_long_name_and_short_ones(
        self, two_region: Topology, name: str
    ) -> None:
        assert override(two_region, {name: "20"}).timers.check.interval_s == 20

    def test_a_number_is_as_good_as_its_text(self, two_region: Topology) -> None:
        assert override(two_region, {"ttl": 20}) == override(two_region, {"ttl": "20"})

    def test_it_comes_after_the_profile(self, two_region: Topology) -> None:
        quick = override(apply(two_region, Profile.QUICK), {"ttl": "20"})

        assert quick.timers.ttl_s == 20
        assert quick.timers.clamp_s == 25

    def test_routing_timers_can_be_set_too(self, two_region: Topology) -> None:
        set_by_hand = override(
            two_region, {"bfd_interval": "300", "bfd_multiplier": "3"}
        )

        assert set_by_hand.timers.bfd == Bfd(interval_ms=300, multiplier=3)

    def test_a_switch_is_on_or_off(self, two_region: Topology) -> None:
        off = override(two_region, {"bfd_enabled": "off", "announce_bound": "off"})

        assert not off.timers.bfd.enabled
        assert not off.timers.announce.bound
        assert override(off, {"bfd_enabled": "on"}).timers.bfd.enabled
        with pytest.raises(InvalidInput, match="on or off"):
            override(two_region, {"bfd_enabled": "perhaps"})

    def test_what_a_person_sets_overrides_what_a_region_has_of_its_own(self) -> None:
        depths = load("depths")
        deep = override(depths, {"announce_depth": "deep"})

        assert {deep.announce_of(r.name).depth for r in deep.regions} == {Depth.DEEP}
        assert deep.announce_of("by-users") == depths.announce_of("by-users")

    def test_a_depth_that_is_none_is_refused_with_those_there_are(
        self, two_region: Topology
    ) -> None:
        with pytest.raises(InvalidInput, match="deep, node, pop, region"):
            override(two_region, {"announce_depth": "sea-bed"})

    def test_every_timer_can_be_set_by_its_own_name(self, two_region: Topology) -> None:
        timers = two_region.timers.model_dump()
        written = {
            f"{key}.{inner}" if inner else key
            for key, value in timers.items()
            for inner in (value if isinstance(value, dict) else ("",))
        }

        assert set(SETTINGS) == written

    def test_all_mistakes_are_told_together(self, two_region: Topology) -> None:
        settings = {"tll": "5", "pin": "soon", "check_timeout": "10", "ttl_s": "-1"}

        with pytest.raises(InvalidInput) as raised:
            override(two_region, settings)

        assert [p.what for p in raised.value.problems] == [
            'there is no timer "tll"; did you mean "ttl"?',
            'timers: ttl_s is "-1"',
            'timers: pin_s is "soon"',
            "timers: check.timeout_s is 10, and check.interval_s is 10",
        ]
        assert raised.value.problems[0].allowed.startswith("ttl_s, check.interval_s")

    def test_one_timer_is_not_set_twice(self, two_region: Topology) -> None:
        with pytest.raises(InvalidInput, match="ttl and ttl_s set the same timer"):
            override(two_region, {"ttl": "5", "ttl_s": "6"})

    def test_an_absurd_number_is_refused_like_any_other(
        self, two_region: Topology
    ) -> None:
        with pytest.raises(InvalidInput, match="a whole number from 1 to 86400"):
            override(two_region, {"ttl": "9" * 5000})


class TestIsSetting:
    @pytest.mark.parametrize(
        ("name", "is_one"),
        [("ttl", True), ("check.threshold", True), ("variant", False), ("", False)],
    )
    def test_only_timers_are(self, name: str, is_one: bool) -> None:
        assert is_setting(name) is is_one

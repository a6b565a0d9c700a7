"""Every scenario of the catalogue is a consistent story, whatever it tells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from itertools import product
from typing import ClassVar

import pytest

from lab.errors import InvalidInput
from lab.scenario.catalogue import ScenarioFile, load_catalogue
from lab.scenario.codec import scenario_from_json, scenario_to_json
from lab.scenario.duration import least_s
from lab.scenario.figures import RouteChanges, RouteLeft
from lab.scenario.model import (
    Ask,
    Fault,
    Measures,
    Question,
    Restore,
    Scenario,
    Undo,
    Unit,
)
from lab.scenario.settings import read_settings, with_timers
from lab.topology.model import Topology
from lab.topology.profiles import Profile
from tests import about_dns
from tests.unit.worlds import ROOT, shipped

CATALOGUE = load_catalogue(ROOT / "scenarios")
TOPOLOGIES = sorted(file.stem for file in (ROOT / "topologies").glob("*.yaml"))
QUESTIONS = {f"Q{n}" for n in range(1, 17)}


def topology(file: ScenarioFile[object], profile: Profile) -> Topology:
    return shipped(file.topology, profile)


def story(file: ScenarioFile[object], profile: Profile = Profile.QUICK) -> Scenario:
    return file.build(topology(file, profile), file.knobs())


def words(figure: object, key: str) -> Iterator[str]:
    """Yield the values of a field in a figure and in the figures it is made of."""
    for field in fields(figure):  # type: ignore[arg-type]  # figures are dataclasses
        value = getattr(figure, field.name)
        if field.name == key:
            yield value
            continue
        for inner in value if isinstance(value, tuple) else (value,):
            if is_dataclass(inner):
                yield from words(inner, key)


def measures(told: Scenario) -> Iterator[Measures]:
    return (e for e in told.expectations if isinstance(e, Measures))


def questions(told: Scenario) -> Iterator[Question]:
    return (q for s in told.steps if isinstance(s, Ask) for q in s.questions)


def vars_of(file: ScenarioFile[object]) -> set[str]:
    return {field.name for field in fields(file.knobs)}  # type: ignore[arg-type]


stories = pytest.mark.parametrize(
    "file", [pytest.param(file, id=name) for name, file in CATALOGUE.items()]
)


@stories
class TestEachStory:
    @pytest.mark.parametrize("profile", list(Profile))
    def test_can_be_told_in_both_profiles(
        self, file: ScenarioFile[object], profile: Profile
    ) -> None:
        assert story(file, profile).expectations

    def test_names_the_questions_that_it_answers(
        self, file: ScenarioFile[object]
    ) -> None:
        assert file.questions
        assert set(file.questions) <= QUESTIONS

    def test_reads_only_steps_that_it_takes(self, file: ScenarioFile[object]) -> None:
        told = story(file)
        taken = [getattr(s, "label", "") for s in told.steps]
        read = {w for m in measures(told) for w in words(m.figure, "during")}

        assert read <= set(taken)
        assert all(taken.count(label) == 1 for label in read)

    def test_reads_only_faults_that_it_makes(self, file: ScenarioFile[object]) -> None:
        told = story(file)
        made = {s.label for s in told.steps if isinstance(s, Fault)}
        read = {w for m in measures(told) for w in words(m.figure, "fault")}

        assert read <= made

    def test_reads_only_bursts_that_it_makes(self, file: ScenarioFile[object]) -> None:
        told = story(file)
        labels = [q.label for q in questions(told)]
        read = {w for m in measures(told) for w in words(m.figure, "ask")}

        assert read <= set(labels)
        assert len(set(labels)) == len(labels)

    def test_reads_only_cohorts_that_watch(self, file: ScenarioFile[object]) -> None:
        told = story(file)
        watching = [c.name for c in told.watch]
        read = {
            c for m in measures(told) for w in words(m.figure, "cohorts") for c in w
        }

        assert read <= set(watching)
        assert len(set(watching)) == len(watching)

    def test_no_two_figures_have_the_same_words(
        self, file: ScenarioFile[object]
    ) -> None:
        told = [(m.section, m.text) for m in measures(story(file))]
        assert len(set(told)) == len(told)

    def test_bounds_leave_room_and_exclude_something(
        self, file: ScenarioFile[object]
    ) -> None:
        for m in measures(story(file)):
            assert m.low is not None or m.high is not None, m.text
            low = -math.inf if m.low is None else m.low
            high = math.inf if m.high is None else m.high
            assert low <= high, m.text
            if m.unit is Unit.PERCENT:
                assert low > 0 or high < 1, m.text

    def test_what_dies_is_brought_back(self, file: ScenarioFile[object]) -> None:
        steps = story(file).steps
        broken: set[str] = set()
        for step in steps:
            match step:
                case Fault(target=target):
                    broken.add(target)
                case Undo(target=target):
                    broken.remove(target)
                case Restore():
                    broken.clear()
        assert not broken

    def test_ends_in_a_minute_and_a_half_in_quick(
        self, file: ScenarioFile[object]
    ) -> None:
        assert least_s(story(file)) < 90

    def test_survives_the_codec(self, file: ScenarioFile[object]) -> None:
        told = story(file)
        assert scenario_from_json(scenario_to_json(told)) == told


def test_the_questions_about_dns_are_told_in_six_minutes() -> None:
    # Of eight: two are for labs that start, restore and are looked at.
    told = [story(CATALOGUE[name]) for name in about_dns.NAMES]

    assert sum(least_s(each) for each in told) < 360


class TestSweep:
    """What `ttl-tradeoff` says of the shortest TTL and of the longest excludes both."""

    def series(self, profile: Profile) -> dict[str, list[Measures]]:
        drawn: dict[str, list[Measures]] = {}
        for m in measures(story(CATALOGUE["ttl-tradeoff"], profile)):
            if m.x is not None:
                drawn.setdefault(m.series, []).append(m)
        return drawn

    @pytest.mark.parametrize("profile", list(Profile))
    def test_the_order_of_both_ends_follows_from_their_bounds(
        self, profile: Profile
    ) -> None:
        for series, line in self.series(profile).items():
            ends = line[0], line[-1]
            if "queries" in series:  # the price falls, the rest grows
                ends = line[-1], line[0]
            less, more = ends
            assert less.high is not None
            assert more.low is not None
            assert less.high < more.low, series

    def test_the_picture_has_a_line_for_each_side_of_the_question(self) -> None:
        drawn = self.series(Profile.QUICK)
        xs = {series: [m.x for m in line] for series, line in drawn.items()}

        assert len(xs) == 5
        for series, line in xs.items():
            assert line == sorted(set(line)), series
            assert len(line) >= (2 if "alone" in series else 3), series

    def test_the_herd_and_the_jittered_one_exclude_each_other(self) -> None:
        shares = {}
        for m in measures(story(CATALOGUE["ttl-tradeoff"])):
            if m.section.startswith("Thundering herd"):
                users, _, crowd = m.text.partition(" users, ")
                assert m.low is not None
                assert m.high is not None
                shares[crowd] = (m.low / int(users), m.high / int(users))
        _, most_spread = shares.pop("up to 1.5 TTLs later")
        assert len(shares) == 2
        assert all(most_spread < least for least, _ in shares.values())


#: What a setting changes in the scenarios about DNS. `ttl-tradeoff` sweeps the TTL.
BY_BOTH = {"low-ttl-is-not-fast", "region-kill", "shallow-probe"}
FOLLOWING = {
    "ttl=8": BY_BOTH
    | {
        "all-down",
        "ecs",
        "one-resolver-one-answer",
        "provider-outage",
        "query-count-is-not-load",
        "rotation",
        "weight-drift",
    },
    "check_interval=3": BY_BOTH | {"first-query", "slow-defaults", "ttl-tradeoff"},
}


class TestSettings:
    SETTINGS = ("ttl=8", "check_interval=3")
    #: Resolvers for which not just any other will do.
    OTHERS: ClassVar = {"ecs": "public-ecs", "geo-by-resolver": "public-ecs"}

    def set_up(self, file: ScenarioFile[object], *settings: str) -> Scenario:
        wanted = read_settings(file, settings)
        in_force = with_timers(topology(file, Profile.QUICK), wanted.timers)
        return file.build(in_force, wanted.knobs)

    #: Those that compare names with TTLs of their own: one for all is refused.
    SWEEPS: ClassVar = {"thundering-herd", "ttl-tradeoff"}

    @pytest.mark.parametrize("name", sorted(CATALOGUE.keys() - SWEEPS))
    def test_expectations_follow_the_timers(self, name: str) -> None:
        file = CATALOGUE[name]
        as_written = story(file).expectations
        as_set = self.set_up(file, *self.SETTINGS).expectations

        needs_no_timer = {
            "anycast-withdrawal",
            "backend-death",
            "capacity-shock",
            "edge-death",
            "geo-by-resolver",
            "graceful-shutdown",
            "grey-link",
            "l4-node-death",
            "l7-policies",
            "many-addresses",
            "route-alive-service-dead",
        }
        assert (as_set == as_written) == (name in needs_no_timer)

    @pytest.mark.parametrize(
        ("name", "setting"),
        sorted(set(product(about_dns.NAMES, FOLLOWING)) - {("ttl-tradeoff", "ttl=8")}),
    )
    def test_expectations_follow_the_timer_that_they_rest_on(
        self, name: str, setting: str
    ) -> None:
        file = CATALOGUE[name]
        as_set = self.set_up(file, setting).expectations

        assert (as_set != story(file).expectations) is (name in FOLLOWING[setting])

    @pytest.mark.parametrize("name", sorted(CATALOGUE))
    @pytest.mark.parametrize(
        "setting", ["ttl=1", "ttl=3600", "check_interval=1", "check_threshold=1"]
    )
    def test_an_extreme_timer_is_computed_with_or_refused(
        self, name: str, setting: str
    ) -> None:
        with suppress(InvalidInput):
            assert self.set_up(CATALOGUE[name], setting).expectations

    def test_one_failure_that_decides_everywhere_is_no_flapping_to_compare(
        self,
    ) -> None:
        with pytest.raises(InvalidInput, match="nobody waits for a second failure"):
            self.set_up(CATALOGUE["first-query"], "check_threshold=1")

    def test_the_real_defaults_take_a_hundred_seconds_to_see_a_black_hole(
        self,
    ) -> None:
        file = CATALOGUE["slow-defaults"]
        told = file.build(topology(file, Profile.REAL), file.knobs())
        highest = max(m.high for m in measures(told) if m.unit is Unit.SECONDS)

        assert 100 < highest < 110

    def test_a_ttl_too_short_to_foretell_fetches_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="TTL of 1"):
            self.set_up(CATALOGUE["ecs"], "ttl=1")

    @pytest.mark.parametrize("subnets", [1, 4, 8])
    def test_what_client_subnets_cost_follows_their_number(self, subnets: int) -> None:
        told = self.set_up(CATALOGUE["ecs"], f"subnets={subnets}")
        factors = [m for m in measures(told) if m.unit is Unit.TIMES]
        middles = {round((m.low + m.high) / 2, 6) for m in factors}

        assert middles == {subnets, 1}

    @pytest.mark.parametrize("subnets", [-1, 9])
    def test_subnets_that_nobody_declares_are_refused(self, subnets: int) -> None:
        with pytest.raises(InvalidInput, match=f"subnets is {subnets}"):
            self.set_up(CATALOGUE["ecs"], f"subnets={subnets}")

    def test_a_zone_with_one_provider_has_no_second_one_to_save_it(self) -> None:
        file = CATALOGUE["provider-outage"]
        minimal = shipped("minimal")
        told = file.build(minimal, file.knobs())

        assert {w for m in measures(told) for w in words(m.figure, "during")} == {
            "dark"
        }

    def test_a_sweep_of_one_ttl_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="different TTLs"):
            self.set_up(CATALOGUE["ttl-tradeoff"], "ttl=8")

    @pytest.mark.parametrize(
        "name", [n for n, f in CATALOGUE.items() if "resolver" in vars_of(f)]
    )
    def test_another_resolver_is_asked(self, name: str) -> None:
        other = self.OTHERS.get(name, "eu-honest")
        told = self.set_up(CATALOGUE[name], f"resolver={other}")
        assert other in {c.resolver for c in told.watch}

    @pytest.mark.parametrize(
        "name", [n for n, f in CATALOGUE.items() if "resolver" in vars_of(f)]
    )
    def test_a_resolver_that_is_not_there_is_refused_with_those_that_are(
        self, name: str
    ) -> None:
        for wrong in ("nobody", "eu-home"):
            with pytest.raises(InvalidInput, match=self.OTHERS.get(name, "eu-honest")):
                self.set_up(CATALOGUE[name], f"resolver={wrong}")

    @pytest.mark.parametrize("name", sorted(CATALOGUE))
    @pytest.mark.parametrize("source", TOPOLOGIES)
    def test_any_topology_is_computed_with_or_refused(
        self, name: str, source: str
    ) -> None:
        file, other = CATALOGUE[name], shipped(source)
        with suppress(InvalidInput):
            assert file.build(other, file.knobs()).expectations

    def test_one_death_of_a_site_can_be_told_alone(self) -> None:
        told = self.set_up(CATALOGUE["anycast-withdrawal"], "fault=drain")

        assert [s.kind for s in told.steps if isinstance(s, Fault)] == ["drain"]
        assert {m.text for m in measures(told)} >= {"requests that fail", "drain"}
        assert "power-off" not in {m.text for m in measures(told)}

    def test_a_death_that_is_not_told_of_is_refused_with_those_that_are(self) -> None:
        with pytest.raises(InvalidInput, match="power-off, hang, crash, app-dead"):
            self.set_up(CATALOGUE["anycast-withdrawal"], "fault=lossy")

    def test_another_topology_that_lacks_something_is_refused(self) -> None:
        file = CATALOGUE["weight-drift"]
        minimal = shipped("minimal")
        with pytest.raises(InvalidInput, match="Weighted"):
            file.build(minimal, file.knobs())


class TestDepth:
    def set_up(self, name: str, *settings: str) -> Scenario:
        return TestSettings().set_up(CATALOGUE[name], *settings)

    def staying(self, told: Scenario) -> set[str]:
        """Return the routes that a story expects to stay."""
        return {
            f"{m.section} {m.text}"
            for m in measures(told)
            if isinstance(m.figure, RouteChanges) and m.high == 0
        }

    def test_each_depth_is_blind_to_all_that_is_farther_down(self) -> None:
        told = self.set_up("route-alive-service-dead")

        assert len(self.staying(told)) == 3 + 2 + 1

    @pytest.mark.parametrize(
        ("setting", "stay"),
        [
            ("announce_depth=deep", 0),
            ("announce_depth=node", 12),
            ("announce_bound=off", 16),
        ],
    )
    def test_a_depth_that_is_set_is_that_of_all_regions(
        self, setting: str, stay: int
    ) -> None:
        told = self.set_up("route-alive-service-dead", setting)

        assert len(self.staying(told)) == stay

    @pytest.mark.parametrize(
        ("name", "setting"),
        [
            ("three-layers", "announce_depth=pop"),
            ("three-layers", "announce_bound=off"),
            ("all-down", "announce_depth=deep"),
            ("first-query", "announce_depth=deep"),
            ("shallow-probe", "announce_depth=deep"),
        ],
    )
    def test_a_story_that_needs_another_depth_says_which(
        self, name: str, setting: str
    ) -> None:
        with pytest.raises(InvalidInput, match=r"announce|announcements"):
            self.set_up(name, setting)

    def test_a_site_that_looks_nowhere_keeps_its_route(self) -> None:
        told = self.set_up("anycast-withdrawal", "announce_depth=pop")

        assert "app-dead: requests that fail" in {m.text for m in measures(told)}

    def test_a_region_whose_backends_nobody_asks_does_not_cascade(self) -> None:
        told = self.set_up("capacity-shock", "announce_depth=pop")

        assert len(self.staying(told)) == 2


class TestCheckerDeath:
    def set_up(self, *settings: str) -> Scenario:
        return TestSettings().set_up(CATALOGUE["health-checker-dead"], *settings)

    def test_a_guarded_route_goes_and_another_one_stays(self) -> None:
        figures = [m.figure for m in measures(self.set_up())]

        stays = {f.router for f in figures if isinstance(f, RouteChanges)}
        goes = {f.router for f in figures if isinstance(f, RouteLeft)}
        assert (stays, goes) == ({"transit-c"}, {"transit-d"})

    @pytest.mark.parametrize("how", ["keep", "withdraw"])
    def test_it_needs_a_region_of_either_kind(self, how: str) -> None:
        with pytest.raises(InvalidInput, match="on_checker_death"):
            self.set_up(f"announce_on_checker_death={how}")

    def test_whoever_never_looked_at_the_service_is_no_example(self) -> None:
        with pytest.raises(InvalidInput, match="bound to its service's health"):
            self.set_up("announce_depth=pop")

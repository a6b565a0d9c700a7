"""Rules of PowerDNS's configuration: every policy as records of its own words."""

from __future__ import annotations

import re

import pytest

from lab.render import pdns
from lab.render.model import Rendered
from lab.topology.loading import load
from lab.topology.model import AllDown, Failover, Geo, Probe, ServedName, Topology
from lab.topology.profiles import Profile, apply
from tests.unit.worlds import quick, serving

REGIONS = ("us-east", "eu-west")
FAILOVER = Failover(name="www", policy="failover", regions=REGIONS)
GEO = Geo(name="www", policy="geo", regions=REGIONS, failover=True)
EAST, WEST, ANYCAST = "203.0.113.10", "203.0.113.138", "198.51.100.1"


def rendered(topology: Topology) -> Rendered:
    return pdns.render(topology, topology.zone.providers[0])


def text(topology: Topology, file: str) -> str:
    paths = {f.path: f.text for f in rendered(topology).files}
    return paths[f"{pdns.FOLDER}/{file}"]


def records(name: str, *served: ServedName) -> list[str]:
    topology = serving(quick(), *served) if served else quick()
    zone = text(topology, "steered.zone")
    return re.findall(rf"^{name}\.example\.com\. (.*)$", zone, re.MULTILINE)


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    lines = text(quick(), "pdns.conf").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


class TestZone:
    def test_every_steered_name_has_the_published_ttl(self) -> None:
        for name in quick().zone.names:
            assert all(r.startswith("12 IN ") for r in records(name.name))

    def test_round_robin_is_one_record_for_each_region(self) -> None:
        assert records("rr") == [f"12 IN A {EAST}", f"12 IN A {WEST}"]

    def test_anycast_is_the_one_stable_address(self) -> None:
        assert records("anycast") == [f"12 IN A {ANYCAST}"]

    def test_weights_are_those_declared(self) -> None:
        choices = f"{{90, '{EAST}'}}, {{10, '{WEST}'}}"

        assert records("weighted") == [f'12 IN LUA A "pickwrandom({{{choices}}})"']

    def test_geo_picks_the_closest_region(self) -> None:
        assert records("geo") == [
            f"12 IN LUA A \"pickclosest({{'{EAST}', '{WEST}'}})\""
        ]

    def test_failover_checks_the_deep_endpoint_and_prefers_the_first_region(
        self,
    ) -> None:
        url, groups = (
            "http://failover.example.com/deep",
            f"{{'{EAST}'}}, {{'{WEST}'}}",
        )

        options = "{timeout=1, selector='all', backupSelector='all'}"

        assert records("failover") == [
            f"12 IN LUA A \"ifurlup('{url}', {{{groups}}}, {options})\""
        ]

    def test_geo_that_fails_over_picks_the_closest_of_those_that_are_up(self) -> None:
        options = "{timeout=1, selector='pickclosest', backupSelector='all'}"
        call = (
            f"ifurlup('http://www.example.com/deep', {{'{EAST}', '{WEST}'}}, {options})"
        )

        assert records("www", GEO) == [f'12 IN LUA A "{call}"']

    def test_a_shallow_probe_is_another_url(self) -> None:
        shallow = FAILOVER.model_copy(update={"probe": Probe.SHALLOW})
        (record,) = records("www", shallow)

        assert "'http://www.example.com/shallow'" in record

    @pytest.mark.parametrize("name", [FAILOVER, GEO], ids=lambda n: n.policy)
    def test_with_all_down_nothing_instead_of_more_than_one(
        self, name: Failover | Geo
    ) -> None:
        (opens,) = records("www", name)
        (empties,) = records("www", name.model_copy(update={"all_down": AllDown.EMPTY}))
        call = opens.partition('"')[2].rstrip('"')
        code = f";local up = {call} if #up > 1 then return {{}} end return up"

        assert empties == f'12 IN LUA A "{code}"'

    def test_the_anycast_address_stands_beside_what_is_checked(self) -> None:
        (plain,) = records("www", GEO)
        (beside,) = records("www", GEO.model_copy(update={"anycast": True}))
        call = plain.partition('"')[2].rstrip('"')
        code = f";local up = {call} up[#up + 1] = '{ANYCAST}' return up"

        assert beside == f'12 IN LUA A "{code}"'

    def test_a_balancer_in_front_is_one_stable_address(self) -> None:
        topology = apply(load("designs"), Profile.QUICK)

        assert "\nbalanced.example.com. 12 IN A 198.18.0.80\n" in text(
            topology, "steered.zone"
        )

    def test_a_name_may_have_its_own_ttl(self) -> None:
        for name in (FAILOVER, GEO):
            (record,) = records("www", name.model_copy(update={"ttl_s": 2}))
            assert record.startswith("2 IN LUA A ")

    def test_name_servers_come_with_their_addresses(self) -> None:
        zone = text(quick(), "steered.zone")

        for name, address in (("a", "198.18.0.53"), ("b", "198.18.1.53")):
            assert f"example.com. 86400 IN NS provider-{name}.example.com.\n" in zone
            assert f"provider-{name}.example.com. 86400 IN A {address}\n" in zone


class TestSettings:
    def test_it_listens_on_its_own_address_alone(
        self, settings: dict[str, str]
    ) -> None:
        assert settings["local-address"] == "198.18.0.53"

    @pytest.mark.parametrize("cache", ["cache", "query-cache", "negquery-cache"])
    def test_no_cache_hides_a_health_check(
        self, settings: dict[str, str], cache: str
    ) -> None:
        assert settings[f"{cache}-ttl"] == "0"

    def test_checks_are_as_frequent_as_declared(self, settings: dict[str, str]) -> None:
        assert settings["lua-health-checks-interval"] == "2"

    def test_checks_outlive_a_lab_that_nobody_asks(
        self, settings: dict[str, str]
    ) -> None:
        day_s = 24 * 60 * 60

        assert int(settings["lua-health-checks-expire-delay"]) > 30 * day_s

    def test_it_follows_the_client_subnet(self, settings: dict[str, str]) -> None:
        assert settings["edns-subnet-processing"] == "yes"

    def test_it_looks_places_up_only_for_a_geo_name(
        self, settings: dict[str, str]
    ) -> None:
        without = text(serving(quick(), FAILOVER), "pdns.conf")

        assert settings["launch"] == "bind,geoip"
        assert settings["geoip-database-files"] == f"mmdb:{pdns.GEOGRAPHY}"
        assert "geoip" not in without

    def test_it_asks_nobody_outside_the_lab(self, settings: dict[str, str]) -> None:
        assert settings["security-poll-suffix"] == ""


class TestReadiness:
    def test_every_name_must_be_answered(self) -> None:
        asked = {
            c.args["name"] for c in rendered(quick()).conditions if c.kind == "dns"
        }

        assert asked == {f"{n.name}.example.com" for n in quick().zone.names}

    def test_failover_must_answer_its_primary(self) -> None:
        (condition,) = (
            c
            for c in rendered(quick()).conditions
            if c.args.get("name") == "failover.example.com"
        )

        assert condition.args["expect"] == [EAST]

    def test_each_check_must_have_declared_its_region_up(self) -> None:
        line = "declaring {} UP for URL http://{}.example.com/deep!"
        near = GEO.model_copy(update={"name": "near"})
        topology = serving(quick(), FAILOVER, near)
        said = [c.args for c in rendered(topology).conditions if c.kind == "said"]
        checks = [(a, n) for n in ("www", "near") for a in (EAST, WEST)]

        for args, check in zip(said, checks, strict=True):
            heard = [
                re.search(str(args["pattern"]), line.format(*other)) for other in checks
            ]
            assert [bool(match) for match in heard] == [c == check for c in checks]
            assert {m[1] for m in heard if m} == {args["want"]} == {"UP"}

    def test_a_failed_check_is_heard_too(self) -> None:
        line = f"declaring {EAST} DOWN for URL http://www.example.com/deep, error: 503"
        args = next(
            c.args
            for c in rendered(serving(quick(), FAILOVER)).conditions
            if c.kind == "said"
        )

        match = re.search(str(args["pattern"]), line)
        assert match is not None
        assert match[1] == "DOWN"

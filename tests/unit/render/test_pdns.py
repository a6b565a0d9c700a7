"""Rules of PowerDNS's configuration: every policy as records of its own words."""

from __future__ import annotations

import re

import pytest

from lab.render import pdns
from lab.render.model import Rendered
from lab.topology.model import Failover, Topology
from tests.unit.worlds import quick

EAST, WEST, ANYCAST = "203.0.113.10", "203.0.113.138", "198.51.100.1"


def rendered(topology: Topology) -> Rendered:
    return pdns.render(topology, topology.zone.providers[0])


def text(topology: Topology, file: str) -> str:
    paths = {f.path: f.text for f in rendered(topology).files}
    return paths[f"{pdns.FOLDER}/{file}"]


def records(name: str) -> list[str]:
    zone = text(quick(), "steered.zone")
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

    def test_geo_sends_each_network_to_its_nearest_region(self) -> None:
        (record,) = records("geo")
        views = re.findall(r"\{'([^']+)'\}, \{'([^']+)'\}", record)

        assert views[:2] == [("198.18.32.0/20", EAST), ("198.18.48.0/20", WEST)]

    def test_geo_has_an_answer_for_everybody_else_and_it_comes_last(self) -> None:
        (record,) = records("geo")
        views = re.findall(r"\{'([^']+)'\}, \{'([^']+)'\}", record)

        assert views[-1] == ("0.0.0.0/0", EAST)

    def test_failover_checks_the_deep_endpoint_and_prefers_the_first_region(
        self,
    ) -> None:
        url, groups = (
            "http://failover.example.com/deep",
            f"{{'{EAST}'}}, {{'{WEST}'}}",
        )

        options = "{timeout=1, backupSelector='all'}"

        assert records("failover") == [
            f"12 IN LUA A \"ifurlup('{url}', {{{groups}}}, {options})\""
        ]

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

    def test_each_checked_region_must_have_been_declared_up(self) -> None:
        line = "LUA record monitoring declaring {} UP for URL http://x/deep!"
        said = [c.args for c in rendered(quick()).conditions if c.kind == "said"]

        for args, address in zip(said, (EAST, WEST), strict=True):
            match = re.search(str(args["pattern"]), line.format(address))
            assert match is not None
            assert match[1] == args["want"] == "UP"

    def test_a_region_of_two_failover_names_is_waited_for_once(self) -> None:
        topology = quick()
        second = Failover(name="www", policy="failover", regions=("eu-west", "us-east"))
        names = (*topology.zone.names, second)
        zone = topology.zone.model_copy(update={"names": names})

        conditions = rendered(topology.model_copy(update={"zone": zone})).conditions

        assert sum(c.kind == "said" for c in conditions) == 2

"""Rules of gdnsd's configuration: monitors, plugins, and a zone that refers to them."""

from __future__ import annotations

import re

from lab.render import gdnsd
from lab.render.model import Rendered
from lab.topology.loading import load
from lab.topology.model import AllDown, Failover, Geo, Probe, Topology
from lab.topology.profiles import Profile, apply
from tests.unit.worlds import quick, real, serving

REGIONS = ("us-east", "eu-west")
FAILOVER = Failover(name="www", policy="failover", regions=REGIONS)
NEAR = Geo(name="near", policy="geo", regions=REGIONS, failover=True)
EAST, WEST = "203.0.113.10", "203.0.113.138"


def rendered(topology: Topology) -> Rendered:
    return gdnsd.render(topology, topology.zone.providers[1])


def config(topology: Topology) -> str:
    """Return the configuration, one blank between words."""
    (file,) = (f for f in rendered(topology).files if f.path.endswith("/config"))
    return " ".join(file.text.split())


def value(topology: Topology, key: str) -> str:
    (found,) = re.findall(rf"\b{key} => (\S+)", config(topology))
    return str(found)


def record(topology: Topology, name: str) -> list[str]:
    (file,) = (f for f in rendered(topology).files if "/zones/" in f.path)
    return re.findall(rf"^{name} (.*)$", file.text, re.MULTILINE)


def with_names(topology: Topology, *names: str) -> Topology:
    kept = tuple(n for n in topology.zone.names if n.name in names)
    zone = topology.zone.model_copy(update={"names": kept})
    return topology.model_copy(update={"zone": zone})


class TestZone:
    def test_its_file_is_named_after_it(self) -> None:
        paths = {f.path for f in rendered(quick()).files}

        assert f"{gdnsd.FOLDER}/zones/example.com" in paths

    def test_static_names_are_plain_records(self) -> None:
        assert record(quick(), "rr") == [f"12 A {EAST}", f"12 A {WEST}"]
        assert record(quick(), "anycast") == ["12 A 198.51.100.1"]

    def test_a_balancer_in_front_is_a_plain_record(self) -> None:
        topology = apply(load("designs"), Profile.QUICK)

        assert record(topology, "balanced") == ["12 A 198.18.0.80"]

    def test_a_dynamic_answer_has_the_published_ttl_whatever_the_health(self) -> None:
        for name, plugin in (
            ("weighted", "weighted"),
            ("geo", "geoip"),
            ("failover", "metafo"),
        ):
            assert record(quick(), name) == [f"12/12 DYNA {plugin}!{name}"]

    def test_what_fails_over_is_asked_of_the_plugin_that_does(self) -> None:
        topology = serving(quick(), FAILOVER, NEAR)

        assert record(topology, "www") == ["12/12 DYNA metafo!www"]
        assert record(topology, "near") == ["12/12 DYNA metafo!near"]

    def test_a_name_may_have_its_own_ttl(self) -> None:
        names = (n.model_copy(update={"ttl_s": 2}) for n in quick().zone.names)
        topology = serving(quick(), *names)

        assert {record(topology, n.name)[0].split()[0] for n in quick().zone.names} == {
            "2",
            "2/2",
        }

    def test_a_short_ttl_is_not_raised(self) -> None:
        assert value(quick(), "min_ttl") == "1"


class TestMonitors:
    def test_timers_are_those_declared(self) -> None:
        for topology, interval, timeout in ((quick(), "2", "1"), (real(), "10", "5")):
            assert value(topology, "interval") == interval
            assert value(topology, "timeout") == timeout
            assert value(topology, "down_thresh") == "2"

    def test_only_failures_in_a_row_count_and_one_success_is_enough(self) -> None:
        assert value(quick(), "ok_thresh") == value(quick(), "up_thresh") == "1"

    def test_they_look_at_the_deep_endpoint(self) -> None:
        assert value(quick(), "url_path") == "/deep"


class TestPlugins:
    def test_failover_prefers_regions_in_their_order(self) -> None:
        assert (
            "failover => { datacenters => [ us-east, eu-west, FALLBACK ] "
            f"service_types => deep dcmap => {{ us-east => {EAST} eu-west => {WEST} "
        ) in config(quick())

    def test_with_all_down_it_answers_everything_or_nothing(self) -> None:
        everything = (
            "FALLBACK => { # when all are down service_types => up "
            f"us-east => {EAST} eu-west => {WEST} }}"
        )

        for name in (FAILOVER, NEAR):
            assert config(serving(quick(), name)).count(everything) == 1
            empties = name.model_copy(update={"all_down": AllDown.EMPTY})
            assert (
                "FALLBACK => { # when all are down service_types => up "
                "DISCARD => 100::1 }"
            ) in config(serving(quick(), empties))

    def test_weights_are_those_declared(self) -> None:
        assert (
            f"weighted => {{ us-east => [ {EAST}, 90 ] eu-west => [ {WEST}, 10 ] }}"
        ) in config(quick())

    def test_geo_goes_by_the_coordinates_of_all_regions(self) -> None:
        assert (
            f"geo => {{ geoip2_db => {gdnsd.GEOGRAPHY} "
            "datacenters => [ us-east, eu-west ] auto_dc_limit => 0 "
            "# all of them: a list of three would end there auto_dc_coords => { "
            "us-east => [ 38.9, -77.4 ] eu-west => [ 53.3, -6.3 ] } }"
        ) in config(quick())

    def test_only_what_fails_over_is_health_checked(self) -> None:
        plain = NEAR.model_copy(update={"name": "plain", "failover": False})
        text = config(serving(quick(), FAILOVER, NEAR, plain))

        assert "near => { map => near service_types => deep" in text
        assert "plain => { map => plain service_types => up" in text
        assert "datacenters => [ NEAREST, FALLBACK ] service_types => deep" in text
        assert "NEAREST => %geoip!near" in text

    def test_the_anycast_address_stands_beside_each_region_s(self) -> None:
        text = config(serving(quick(), NEAR.model_copy(update={"anycast": True})))

        for region, address in zip(REGIONS, (EAST, WEST), strict=True):
            assert (
                f"{region} => {{ up_thresh => 1.0 # down as soon as one of its "
                f"addresses is {region} => {address} ANYCAST => 198.51.100.1 }}"
            ) in text
        assert f"eu-west => {WEST} ANYCAST => 198.51.100.1 }} }}" in text

    def test_each_probe_in_use_is_a_monitor_of_its_own(self) -> None:
        shallow = NEAR.model_copy(update={"probe": Probe.SHALLOW})
        text = config(serving(quick(), FAILOVER, shallow))

        assert re.findall(r"url_path => (\S+)", text) == ["/deep", "/shallow"]
        assert "near => { map => near service_types => shallow" in text

    def test_without_names_of_a_policy_its_plugin_is_absent(self) -> None:
        text = config(with_names(quick(), "rr", "failover"))

        assert "metafo" in text
        assert "geoip" not in text
        assert "weighted" not in text


class TestReadiness:
    def test_every_monitor_must_be_up_and_every_name_answered(self) -> None:
        monitors, *names = rendered(quick()).conditions

        assert monitors.kind == "gdnsd"
        assert monitors.args["argv"] == ["gdnsdctl", "-c", gdnsd.FOLDER, "states"]
        assert [n.args["name"] for n in names] == [
            f"{n.name}.example.com" for n in quick().zone.names
        ]


class TestConditions:
    def test_without_checks_there_is_no_monitor_to_wait_for(self) -> None:
        settled = "every health monitor settled and up"
        unchecked = with_names(quick(), "rr", "anycast")

        assert settled in [c.text for c in rendered(quick()).conditions]
        assert settled not in [c.text for c in rendered(unchecked).conditions]

"""Rules of gdnsd's configuration: monitors, plugins, and a zone that refers to them."""

from __future__ import annotations

import re

from lab.render import gdnsd
from lab.render.model import Rendered
from lab.topology.model import Topology
from tests.unit.worlds import quick, real

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

    def test_a_dynamic_answer_has_the_published_ttl_whatever_the_health(self) -> None:
        for name, plugin in (
            ("weighted", "weighted"),
            ("geo", "geoip"),
            ("failover", "metafo"),
        ):
            assert record(quick(), name) == [f"12/12 DYNA {plugin}!{name}"]

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
            "failover => { datacenters => [ us-east, eu-west ] service_types => deep "
            f"dcmap => {{ us-east => {EAST} eu-west => {WEST} }} }}"
        ) in config(quick())

    def test_weights_are_those_declared(self) -> None:
        assert (
            f"weighted => {{ us-east => [ {EAST}, 90 ] eu-west => [ {WEST}, 10 ] }}"
        ) in config(quick())

    def test_geo_maps_networks_to_their_nearest_region(self) -> None:
        assert (
            "nets => { 198.18.32.0/20 => [ us-east ] 198.18.48.0/20 => [ eu-west ] "
            "198.18.0.0/24 => [ us-east ] 198.18.1.0/24 => [ eu-west ] }"
        ) in config(quick())

    def test_only_failover_is_health_checked(self) -> None:
        assert config(quick()).count("service_types => deep") == 1
        assert config(quick()).count("service_types => up") == 2

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

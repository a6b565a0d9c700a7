"""Rules of the balancer in front of the regions."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.render import global_l4
from lab.render.model import Rendered
from lab.render.zones import global_l4_address
from lab.topology.loading import load
from tests.unit.worlds import quick

DESIGNS = load("designs")


def rendered() -> Rendered:
    assert DESIGNS.global_l4
    return global_l4.render(DESIGNS, DESIGNS.global_l4)


def cluster() -> Any:
    (file,) = rendered().files
    config = YAML(typ="safe").load(file.text)
    (only,) = config["static_resources"]["clusters"]
    return only


def test_each_region_is_a_priority_of_its_own_in_order() -> None:
    groups = cluster()["load_assignment"]["endpoints"]
    found = {
        group["priority"]: group["lb_endpoints"][0]["endpoint"]["address"][
            "socket_address"
        ]["address"]
        for group in groups
    }

    assert found == {0: "203.0.113.10", 1: "203.0.113.138"}


def test_it_looks_at_the_deep_endpoint_as_often_as_declared() -> None:
    (check,) = cluster()["health_checks"]

    assert check["http_health_check"] == {"path": "/deep", "host": "example.com"}
    assert (check["interval"], check["timeout"]) == ("0.1s", "0.3s")
    assert check["no_traffic_interval"] == check["interval"]
    assert (check["unhealthy_threshold"], check["healthy_threshold"]) == (3, 1)


def test_the_sick_get_nothing_even_if_all_are() -> None:
    assert cluster()["common_lb_config"] == {"healthy_panic_threshold": {"value": 0}}


def test_it_is_ready_when_every_region_is_well() -> None:
    (condition,) = rendered().conditions

    assert condition.args["clusters"] == {"regions": 2}


def test_without_one_there_is_no_address_to_give() -> None:
    assert global_l4_address(DESIGNS) == "198.18.0.80"
    with pytest.raises(ValueError, match="two-region has no balancer"):
        global_l4_address(quick())

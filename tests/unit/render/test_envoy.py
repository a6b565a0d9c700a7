"""Rules of Envoy's two configurations: TCP by flow, HTTP with retries."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from ruamel.yaml import YAML

from lab.render import envoy
from lab.render.model import Rendered
from lab.topology.model import L4Hash

SERVICE = IPv4Address("203.0.113.10")
ANYCAST = IPv4Address("198.51.100.1")
OWN = IPv4Address("10.0.0.3")
NEXT = (("next-1", IPv4Address("10.0.0.4")), ("next-2", IPv4Address("10.0.0.5")))


def l4() -> Rendered:
    return envoy.render_l4("l4-1", (SERVICE, ANYCAST), NEXT, L4Hash.MAGLEV)


def l7(*more: IPv4Address, retries: int = 1) -> Rendered:
    weights = (1,) * len(NEXT)
    return envoy.render_l7("l7-1", "us-east", (OWN, *more), NEXT, weights, retries)


def loaded(rendered: Rendered) -> Any:
    (file,) = rendered.files
    return YAML(typ="safe").load(file.text)


def listening(config: Any) -> list[tuple[str, int]]:
    sockets = (
        x["address"]["socket_address"] for x in config["static_resources"]["listeners"]
    )
    return [(s["address"], s["port_value"]) for s in sockets]


def cluster(config: Any) -> Any:
    (only,) = config["static_resources"]["clusters"]
    return only


def endpoints(config: Any) -> list[str]:
    (group,) = cluster(config)["load_assignment"]["endpoints"]
    return [
        e["endpoint"]["address"]["socket_address"]["address"]
        for e in group["lb_endpoints"]
    ]


def network_filter(config: Any) -> Any:
    (chain,) = config["static_resources"]["listeners"][0]["filter_chains"]
    return chain["filters"][-1]["typed_config"]


def route(retries: int = 1) -> Any:
    config = loaded(l7(retries=retries))
    (host,) = network_filter(config)["route_config"]["virtual_hosts"]
    (only,) = host["routes"]
    return only["route"]


class TestL4:
    def test_it_listens_on_every_service_address(self) -> None:
        assert listening(loaded(l4())) == [(str(SERVICE), 80), (str(ANYCAST), 80)]

    def test_a_flow_stays_with_its_l7_node(self) -> None:
        assert cluster(loaded(l4()))["lb_policy"] == "MAGLEV"
        (policy,) = network_filter(loaded(l4()))["hash_policy"]
        assert policy == {"filter_state": {"key": "flow"}}

    def test_it_can_hash_by_a_ring(self) -> None:
        ring = envoy.render_l4("l4-1", (SERVICE,), NEXT, L4Hash.RING)

        assert cluster(loaded(ring))["lb_policy"] == "RING_HASH"

    def test_it_balances_over_the_l7_nodes_that_say_they_are_healthy(self) -> None:
        (check,) = cluster(loaded(l4()))["health_checks"]

        assert endpoints(loaded(l4())) == ["10.0.0.4", "10.0.0.5"]
        assert check["http_health_check"]["path"] == "/l7-health"

    def test_it_is_ready_when_every_l7_node_is_healthy(self) -> None:
        (condition,) = l4().conditions

        assert condition.args["clusters"] == {"l7": 2}


class TestL7:
    def test_it_listens_on_its_own_address(self) -> None:
        assert listening(loaded(l7())) == [(str(OWN), 80)]

    def test_it_listens_for_the_service_too_where_packets_are_sent_on(self) -> None:
        (listener,) = loaded(l7(SERVICE))["static_resources"]["listeners"]
        (more,) = listener["additional_addresses"]

        assert more["address"]["socket_address"]["address"] == str(SERVICE)

    def test_a_cookie_names_the_backend_for_as_long_as_the_client_likes(self) -> None:
        _, session, _ = network_filter(loaded(l7()))["http_filters"]
        state = session["typed_config"]["session_state"]["typed_config"]

        assert state["cookie"] == {"name": "session", "path": "/"}

    def test_each_reply_says_who_passed_it_on(self) -> None:
        headers = network_filter(loaded(l7()))["route_config"][
            "response_headers_to_add"
        ]

        assert headers == [{"header": {"key": "x-l7", "value": "l7-1"}}]

    def test_it_answers_for_its_own_health_by_that_of_its_backends(self) -> None:
        health = network_filter(loaded(l7()))["http_filters"][0]["typed_config"]

        assert health["pass_through_mode"] is False
        assert health["cluster_min_healthy_percentages"] == {"backends": {"value": 1}}
        assert health["headers"][0]["string_match"] == {"exact": "/l7-health"}

    def test_it_accepts_the_checks_of_gdnsd_which_name_no_host(self) -> None:
        options = network_filter(loaded(l7()))["http_protocol_options"]

        assert options["accept_http_10"] is True
        assert options["default_host_for_http_10"] == "us-east"

    def test_backends_take_turns_while_their_shallow_check_passes(self) -> None:
        (check,) = cluster(loaded(l7()))["health_checks"]

        assert cluster(loaded(l7()))["lb_policy"] == "ROUND_ROBIN"
        assert endpoints(loaded(l7())) == ["10.0.0.4", "10.0.0.5"]
        assert check["http_health_check"]["path"] == "/shallow"

    def test_a_dead_backend_is_retried_elsewhere(self) -> None:
        (predicate,) = route()["retry_policy"]["retry_host_predicate"]

        assert predicate["name"] == "envoy.retry_host_predicates.previous_hosts"

    def test_it_can_be_told_to_repeat_nothing(self) -> None:
        assert "retry_policy" not in route(retries=0)

    def test_many_requests_may_be_retried_at_a_time(self) -> None:
        (limits,) = cluster(loaded(l7()))["circuit_breakers"]["thresholds"]

        assert limits["max_retries"] >= 100

    def test_an_overloaded_backend_is_not_asked_twice(self) -> None:
        reasons = set(route()["retry_policy"]["retry_on"].split(","))

        assert not reasons & {"5xx", "gateway-error", "retriable-status-codes"}


class TestBoth:
    def test_the_sick_get_nothing_even_when_all_are_sick(self) -> None:
        for config in (loaded(l4()), loaded(l7())):
            panic = cluster(config)["common_lb_config"]["healthy_panic_threshold"]
            assert panic == {"value": 0}

    def test_checks_keep_their_pace_without_traffic(self) -> None:
        for config in (loaded(l4()), loaded(l7())):
            (check,) = cluster(config)["health_checks"]
            assert check["no_traffic_interval"] == check["interval"]

    def test_the_admin_interface_is_out_of_reach_from_other_nodes(self) -> None:
        for config in (loaded(l4()), loaded(l7())):
            address = config["admin"]["address"]["socket_address"]
            assert address == {"address": "127.0.0.1", "port_value": envoy.ADMIN_PORT}

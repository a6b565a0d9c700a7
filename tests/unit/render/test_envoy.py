"""Rules of Envoy's two configurations: TCP by flow, HTTP with retries."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any, ClassVar

from ruamel.yaml import YAML

from lab.render import envoy
from lab.render.model import Rendered
from lab.topology.l4 import L4Hash
from lab.topology.model import Region
from tests.unit import worlds

SERVICE = IPv4Address("203.0.113.10")
ANYCAST = IPv4Address("198.51.100.1")
OWN = IPv4Address("10.0.0.3")
NEXT = (("next-1", IPv4Address("10.0.0.4")), ("next-2", IPv4Address("10.0.0.5")))
CERTIFIED = envoy.Certified(lab="lab", names=("a.example.com", "b.example.com"))


def l4(*, tls: bool = False) -> Rendered:
    return envoy.render_l4("l4-1", (SERVICE, ANYCAST), NEXT, L4Hash.MAGLEV, tls=tls)


def region(
    retries: int = 1,
    subsets: tuple[str | None, ...] = (None, None),
    weights: tuple[int, ...] = (1, 1),
    **policy: object,
) -> Region:
    declared = worlds.quick().regions[0].model_dump()
    declared |= {
        "l7_retries": retries,
        "l7_policy": policy,
        "backends": [
            {"capacity_rps": 400, "subset": subset, "weight": weight}
            for subset, weight in zip(subsets, weights, strict=True)
        ],
    }
    return Region.model_validate(declared)


def l7(*more: IPv4Address, declared: Region | None = None) -> Rendered:
    return envoy.render_l7("l7-1", declared or region(), (OWN, *more), NEXT, CERTIFIED)


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


def routes(declared: Region) -> Any:
    config = loaded(l7(declared=declared))
    (host,) = network_filter(config)["route_config"]["virtual_hosts"]
    return host["routes"]


def route(retries: int = 1) -> Any:
    (only,) = routes(region(retries))
    return only["route"]


def clusters(declared: Region) -> Any:
    config = loaded(l7(declared=declared))
    return {c["name"]: c for c in config["static_resources"]["clusters"]}


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


class TestPolicy:
    CANARY: ClassVar = {"to": [{"subset": "canary"}]}

    def test_a_path_or_a_field_leads_to_a_subset_and_all_else_to_everybody(
        self,
    ) -> None:
        declared = region(
            subsets=(None, "canary"),
            routes=[
                {"path": "/canary", **self.CANARY},
                {"header": {"name": "x-canary", "value": "always"}, **self.CANARY},
            ],
        )

        by_path, by_field, rest = routes(declared)
        assert by_path["match"] == {"prefix": "/canary"}
        assert by_field["match"]["headers"] == [
            {"name": "x-canary", "string_match": {"exact": "always"}}
        ]
        assert by_path["route"]["cluster"] == "backends-canary"
        assert rest["route"]["cluster"] == "backends"
        hosts = clusters(declared)["backends-canary"]["load_assignment"]["endpoints"]
        assert len(hosts[0]["lb_endpoints"]) == 1
        assert l7(declared=declared).conditions[0].args["clusters"] == {
            "backends": 2,
            "backends-canary": 1,
        }

    def test_a_route_for_everything_is_the_last_one(self) -> None:
        split = [
            {"subset": "stable", "weight": 95},
            {"subset": "canary", "weight": 5},
        ]
        declared = region(subsets=("stable", "canary"), routes=[{"to": split}])

        (only,) = routes(declared)
        assert only["route"]["weighted_clusters"]["clusters"] == [
            {"name": "backends-stable", "weight": 95},
            {"name": "backends-canary", "weight": 5},
        ]

    def test_checks_do_not_bring_back_who_fails_its_users(self) -> None:
        ejected = clusters(region(outlier={}))["backends"]["outlier_detection"]

        assert ejected["consecutive_5xx"] == 5
        assert (ejected["interval"], ejected["base_ejection_time"]) == ("10s", "30s")
        assert ejected["max_ejection_percent"] == 10
        assert ejected["successful_active_health_check_uneject_host"] is False
        assert ejected["enforcing_success_rate"] == 0

    def test_a_breaker_limits_what_is_under_way_and_what_waits(self) -> None:
        breaker = {"max_requests": 3, "max_pending": 7}
        (limits,) = clusters(region(breaker=breaker))["backends"]["circuit_breakers"][
            "thresholds"
        ]

        assert limits["max_connections"] == 3
        assert limits["max_pending_requests"] == 7

    def test_users_are_refused_above_a_rate_and_checks_are_not(self) -> None:
        declared = region(shedding={"above_rps": 90})

        checks, users = routes(declared)
        assert checks["match"] == {"safe_regex": {"regex": "/deep|/shallow"}}
        assert "typed_per_filter_config" not in checks
        (limit,) = users["typed_per_filter_config"].values()
        assert limit["token_bucket"] == {
            "max_tokens": 10,
            "tokens_per_fill": 90,
            "fill_interval": "1s",
        }
        assert limit["status"] == {"code": "ServiceUnavailable"}
        (word,) = limit["response_headers_to_add"]
        assert word["header"]["key"] == "x-overload"

    def test_nothing_of_it_is_there_unless_it_is_asked_for(self) -> None:
        (only,) = clusters(region()).values()

        assert "outlier_detection" not in only
        assert only["circuit_breakers"]["thresholds"][0]["max_connections"] == 65536
        assert len(network_filter(loaded(l7()))["http_filters"]) == 3


class TestTls:
    def test_l4_passes_it_on_to_a_port_of_its_own_and_looks_in_the_clear(self) -> None:
        config = loaded(l4(tls=True))
        _, opaque = config["static_resources"]["clusters"]
        (group,) = opaque["load_assignment"]["endpoints"]
        endpoint = group["lb_endpoints"][0]["endpoint"]

        assert listening(config)[2:] == [(str(SERVICE), 443), (str(ANYCAST), 443)]
        assert opaque["name"] == "l7-tls"
        assert endpoint["address"]["socket_address"]["port_value"] == 443
        assert endpoint["health_check_config"] == {"port_value": 80}
        assert l4(tls=True).conditions[0].args["clusters"] == {"l7": 2, "l7-tls": 2}

    def test_l4_has_no_key(self) -> None:
        assert "transport_socket" not in l4(tls=True).files[0].text

    def test_l7_ends_it_and_treats_what_is_in_it_as_what_comes_in_the_clear(
        self,
    ) -> None:
        plain, secured = loaded(l7(SERVICE, declared=region(tls=True)))[
            "static_resources"
        ]["listeners"]
        (chain,) = secured["filter_chains"]
        keys = chain["transport_socket"]["typed_config"]["common_tls_context"]

        assert chain["filters"] == plain["filter_chains"][0]["filters"]
        assert secured["address"]["socket_address"]["port_value"] == 443
        assert len(secured["additional_addresses"]) == 1
        assert keys["tls_certificates"][0]["private_key"] == {
            "filename": "/run/lab/tls/key.pem"
        }

    def test_its_key_is_made_before_it_starts(self) -> None:
        (process,) = l7(declared=region(tls=True)).processes
        before, after = (
            process.argv[: process.argv.index("--")],
            process.argv[process.argv.index("--") + 1 :],
        )

        assert before[-4:] == ("lab", "l7-1", *CERTIFIED.names)
        assert after == l7().processes[0].argv


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

"""Rules of PowerDNS Recursor's configuration."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.render import recursor
from lab.render.model import Rendered
from tests.unit.render.resolvers import with_resolver
from tests.unit.worlds import quick


def rendered(behaviour: str = "honest", **more: object) -> Rendered:
    topology = with_resolver("recursor", behaviour, **more)
    return recursor.render(topology, topology.resolvers[0])


def settings(behaviour: str = "honest", **more: object) -> Any:
    return YAML(typ="safe").load(rendered(behaviour, **more).files[0].text)


class TestBehaviours:
    def test_honest_touches_no_ttl(self) -> None:
        assert "minimum_ttl_override" not in settings()["recursor"]
        assert "serve_stale_extensions" not in settings()["recordcache"]

    def test_clamping_has_a_minimum_ttl(self) -> None:
        clamped = settings("clamping")["recursor"]

        assert clamped["minimum_ttl_override"] == quick().timers.clamp_s

    def test_serving_stale_extends_a_life_for_hours(self) -> None:
        assert settings("serve-stale")["recordcache"]["serve_stale_extensions"] == 1440


class TestSubnets:
    def test_only_the_named_providers_are_told(self) -> None:
        ecs = settings("ecs", ecs_to=("provider-b",))

        assert ecs["outgoing"]["edns_subnet_allow_list"] == ["198.18.1.53"]

    def test_every_users_subnet_is_told_as_a_24_and_no_more(self) -> None:
        ecs = settings("ecs", ecs_to=("provider-a", "provider-b"))

        assert ecs["ecs"] == {"add_for": ["0.0.0.0/0"], "ipv4_bits": 24}
        assert len(ecs["outgoing"]["edns_subnet_allow_list"]) == 2

    def test_what_a_forwarder_tells_is_used(self) -> None:
        ecs = settings("ecs", ecs_to=("provider-a",))

        assert ecs["incoming"]["use_incoming_edns_subnet"] is True

    @pytest.mark.parametrize("behaviour", ["honest", "no-ecs", "serve-stale"])
    def test_nobody_else_tells_a_subnet_or_passes_one_on(self, behaviour: str) -> None:
        assert "edns_subnet_allow_list" not in settings(behaviour)["outgoing"]
        assert "use_incoming_edns_subnet" not in settings(behaviour)["incoming"]


class TestSettings:
    def test_it_keeps_one_cache_that_nothing_refreshes_early(self) -> None:
        assert settings()["packetcache"]["disable"] is True
        assert settings()["recordcache"]["refresh_on_ttl_perc"] == 0

    def test_it_asks_servers_in_documentation_ranges(self) -> None:
        assert settings()["outgoing"]["dont_query"] == []

    def test_it_answers_and_asks_on_its_own_address(self) -> None:
        assert settings()["incoming"]["listen"] == ["198.18.32.53"]
        assert settings()["outgoing"]["source_address"] == ["198.18.32.53"]

    def test_it_answers_everybody_in_the_lab(self) -> None:
        assert settings()["incoming"]["allow_from"] == ["0.0.0.0/0"]

    def test_it_starts_from_the_lab_root_without_validation(self) -> None:
        files = {f.path: f.text for f in rendered().files}
        hints = files[settings()["recursor"]["hint_file"]]

        assert ". 3600000 IN NS root.servers.lab.\n" in hints
        assert "root.servers.lab. 3600000 IN A 198.18.0.2\n" in hints
        assert settings()["dnssec"]["validation"] == "off"

    def test_it_asks_nobody_outside_the_lab(self) -> None:
        assert settings()["recursor"]["security_poll_suffix"] == ""

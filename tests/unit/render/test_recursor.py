"""Rules of PowerDNS Recursor's configuration."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML

from lab.render import recursor
from lab.render.model import Rendered
from lab.topology.model import ResolverBehaviour
from tests.unit.worlds import quick


def rendered(behaviour: ResolverBehaviour = ResolverBehaviour.HONEST) -> Rendered:
    topology = quick()
    (public,) = topology.public_resolvers
    chosen = public.model_copy(update={"behaviour": behaviour})
    return recursor.render(topology, chosen)


def settings(behaviour: ResolverBehaviour = ResolverBehaviour.HONEST) -> Any:
    return YAML(typ="safe").load(rendered(behaviour).files[0].text)


class TestBehaviours:
    def test_honest_touches_no_ttl(self) -> None:
        assert "minimum_ttl_override" not in settings()["recursor"]

    def test_clamping_has_a_minimum_ttl(self) -> None:
        clamped = settings(ResolverBehaviour.CLAMPING)["recursor"]

        assert clamped["minimum_ttl_override"] == quick().timers.clamp_s


class TestSettings:
    def test_it_keeps_one_cache_that_nothing_refreshes_early(self) -> None:
        assert settings()["packetcache"]["disable"] is True
        assert settings()["recordcache"]["refresh_on_ttl_perc"] == 0

    def test_it_asks_servers_in_documentation_ranges(self) -> None:
        assert settings()["outgoing"]["dont_query"] == []

    def test_it_answers_and_asks_on_its_own_address(self) -> None:
        assert settings()["incoming"]["listen"] == ["198.18.1.8"]
        assert settings()["outgoing"]["source_address"] == ["198.18.1.8"]

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

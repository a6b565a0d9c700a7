"""Rules of BIND's configuration: three behaviours, one starting point."""

from __future__ import annotations

import re

import pytest

from lab.render import bind
from lab.render.model import Rendered
from tests.unit.render.resolvers import with_resolver
from tests.unit.worlds import quick

ADDRESS = "198.18.32.53"


def rendered(behaviour: str) -> Rendered:
    topology = with_resolver("bind", behaviour)
    return bind.render(topology, topology.resolvers[0])


def options(behaviour: str) -> dict[str, str]:
    text = rendered(behaviour).files[0].text
    block = text.split("options {")[1].split("\n};")[0]
    lines = (line.split("#")[0].strip() for line in block.splitlines())
    pairs = (line.rstrip(";").split(" ", 1) for line in lines if line)
    return {key: value.strip('"') for key, value in pairs}


class TestBehaviours:
    @pytest.mark.parametrize("behaviour", ["honest", "no-ecs"])
    def test_an_honest_one_touches_no_ttl(self, behaviour: str) -> None:
        assert not {"min-cache-ttl", "stale-answer-enable"} & set(options(behaviour))

    def test_clamping_has_a_minimum_ttl_and_nothing_stale(self) -> None:
        assert options("clamping")["min-cache-ttl"] == str(quick().timers.clamp_s)
        assert "stale-answer-enable" not in options("clamping")

    def test_stale_answers_come_at_once_and_with_their_own_ttl(self) -> None:
        stale = options("serve-stale")

        assert stale["stale-cache-enable"] == "yes"
        assert stale["stale-answer-enable"] == "yes"
        assert stale["stale-answer-client-timeout"] == "0"
        assert stale["stale-refresh-time"] == "0"
        assert stale["stale-answer-ttl"] == str(quick().timers.stale_answer_ttl_s)
        assert "min-cache-ttl" not in stale


@pytest.mark.parametrize("behaviour", ["honest", "clamping", "serve-stale", "no-ecs"])
class TestEveryBehaviour:
    def test_nothing_is_fetched_before_it_is_asked_for(self, behaviour: str) -> None:
        assert options(behaviour)["prefetch"] == "0"

    def test_resolution_is_from_the_lab_root_without_validation(
        self, behaviour: str
    ) -> None:
        files = {f.path: f.text for f in rendered(behaviour).files}
        (hints,) = re.findall(r'type hint; file "(.*)"', files[bind.CONFIG])

        assert "root.servers.lab. 3600000 IN A 198.18.0.2\n" in files[hints]
        assert options(behaviour)["dnssec-validation"] == "no"

    def test_it_asks_from_the_address_that_it_answers_on(self, behaviour: str) -> None:
        assert options(behaviour)["listen-on"] == f"{{ {ADDRESS}; }}"
        assert options(behaviour)["query-source"] == f"address {ADDRESS}"

    def test_it_is_controlled_from_inside_the_node_alone(self, behaviour: str) -> None:
        files = {f.path: f.text for f in rendered(behaviour).files}
        (key,) = re.findall(r'secret "(.*)"', files[bind.CONTROL])

        assert f'secret "{key}"' in files[bind.CONFIG]
        assert "controls { inet 127.0.0.1 " in files[bind.CONFIG]

    def test_it_writes_where_a_read_only_node_lets_it(self, behaviour: str) -> None:
        written = ("directory", "statistics-file")

        assert all(options(behaviour)[f].startswith("/run/lab") for f in written)

    def test_every_name_must_resolve(self, behaviour: str) -> None:
        conditions = rendered(behaviour).conditions

        assert {c.args["server"] for c in conditions} == {ADDRESS}
        assert len(conditions) == len(quick().zone.names)

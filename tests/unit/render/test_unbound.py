"""Rules of Unbound's configuration: three behaviours, one starting point."""

from __future__ import annotations

import pytest

from lab.render import unbound
from lab.render.model import Rendered
from lab.topology.model import ResolverBehaviour
from tests.unit.worlds import quick, real

HONEST, CLAMPING, STALE = ResolverBehaviour
ADDRESS = "198.18.32.53"


def rendered(behaviour: ResolverBehaviour) -> Rendered:
    topology = quick()
    resolver = topology.resolvers[0].model_copy(update={"behaviour": behaviour})
    return unbound.render(topology, resolver)


def options(behaviour: ResolverBehaviour) -> dict[str, str]:
    text = rendered(behaviour).files[0].text
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    pairs = (line.split(":", 1) for line in lines if line and not line.endswith(":"))
    return {key: value.strip().strip('"') for key, value in pairs}


class TestBehaviours:
    def test_honest_touches_no_ttl(self) -> None:
        assert not {"cache-min-ttl", "cache-max-ttl", "serve-expired"} & set(
            options(HONEST)
        )

    def test_clamping_has_a_minimum_ttl_and_nothing_stale(self) -> None:
        assert options(CLAMPING)["cache-min-ttl"] == str(quick().timers.clamp_s)
        assert "serve-expired" not in options(CLAMPING)

    def test_stale_answers_come_at_once_for_ever_and_with_their_own_ttl(self) -> None:
        stale = options(STALE)

        assert stale["serve-expired"] == "yes"
        assert stale["serve-expired-ttl"] == "0"
        assert stale["serve-expired-client-timeout"] == "0"
        assert stale["serve-expired-reply-ttl"] == str(
            quick().timers.stale_answer_ttl_s
        )
        assert "cache-min-ttl" not in stale

    def test_timers_follow_the_profile(self) -> None:
        topology = real()
        clamping = topology.resolvers[1]

        text = unbound.render(topology, clamping).files[0].text

        assert "cache-min-ttl: 120\n" in text


@pytest.mark.parametrize("behaviour", ResolverBehaviour)
class TestEveryBehaviour:
    def test_nothing_is_fetched_before_it_is_asked_for(
        self, behaviour: ResolverBehaviour
    ) -> None:
        assert options(behaviour)["prefetch"] == "no"

    def test_resolution_is_iterative_from_the_lab_root_without_validation(
        self, behaviour: ResolverBehaviour
    ) -> None:
        hints = options(behaviour)["root-hints"]
        files = {f.path: f.text for f in rendered(behaviour).files}

        assert options(behaviour)["module-config"] == "iterator"
        assert "root.servers.lab. 3600000 IN A 198.18.0.2\n" in files[hints]

    def test_it_asks_from_the_address_that_it_answers_on(
        self, behaviour: ResolverBehaviour
    ) -> None:
        assert options(behaviour)["interface"] == ADDRESS
        assert options(behaviour)["outgoing-interface"] == ADDRESS

    def test_a_population_behind_one_address_is_not_limited(
        self, behaviour: ResolverBehaviour
    ) -> None:
        assert options(behaviour)["wait-limit"] == "0"

    def test_it_is_controlled_by_a_socket_in_the_node(
        self, behaviour: ResolverBehaviour
    ) -> None:
        assert options(behaviour)["control-interface"].startswith("/run/lab/")

    def test_every_name_must_resolve(self, behaviour: ResolverBehaviour) -> None:
        conditions = rendered(behaviour).conditions

        assert {c.args["server"] for c in conditions} == {ADDRESS}
        assert [c.args["name"] for c in conditions] == [
            f"{n.name}.example.com" for n in quick().zone.names
        ]

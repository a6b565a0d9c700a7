"""Rules of Unbound's configuration: every behaviour, one starting point."""

from __future__ import annotations

import pytest

from lab.render import unbound
from lab.render.model import Rendered
from lab.topology.model import ResolverBehaviour
from tests.unit.render.resolvers import with_resolver
from tests.unit.worlds import quick, real

HONEST = ResolverBehaviour.HONEST
CLAMPING = ResolverBehaviour.CLAMPING
STALE = ResolverBehaviour.SERVE_STALE
#: What a behaviour needs to be complete.
MORE: dict[ResolverBehaviour, dict[str, object]] = {
    ResolverBehaviour.ECS: {"ecs_to": ("provider-a", "provider-b")},
    ResolverBehaviour.FORWARDING: {"forwards_to": "public"},
}
ADDRESS = "198.18.32.53"


def rendered(behaviour: ResolverBehaviour, **more: object) -> Rendered:
    topology = with_resolver("unbound", behaviour, **MORE.get(behaviour, {}), **more)
    return unbound.render(topology, topology.resolvers[0])


def lines(behaviour: ResolverBehaviour, **more: object) -> list[tuple[str, str]]:
    text = rendered(behaviour, **more).files[0].text
    said = (line.split("#")[0].strip() for line in text.splitlines())
    pairs = (line.split(":", 1) for line in said if line and not line.endswith(":"))
    return [(key, value.strip().strip('"')) for key, value in pairs]


def options(behaviour: ResolverBehaviour, **more: object) -> dict[str, str]:
    return dict(lines(behaviour, **more))


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

    def test_a_fresh_answer_can_be_waited_for_first(self) -> None:
        late = options(STALE, stale_after_s=1.8)

        assert late["serve-expired-client-timeout"] == "1800"

    def test_timers_follow_the_profile(self) -> None:
        topology = real()
        clamping = topology.resolvers[1]

        text = unbound.render(topology, clamping).files[0].text

        assert "cache-min-ttl: 125\n" in text


class TestSubnets:
    def told(self, behaviour: ResolverBehaviour, **more: object) -> list[str]:
        said = lines(behaviour, **more)
        return [value for key, value in said if key == "send-client-subnet"]

    def test_only_the_named_providers_are_told(self) -> None:
        assert self.told(ResolverBehaviour.ECS) == ["198.18.0.53", "198.18.1.53"]
        ecs = options(ResolverBehaviour.ECS)
        assert ecs["client-subnet-always-forward"] == "no"

    def test_a_24_is_told_and_no_more(self) -> None:
        assert options(ResolverBehaviour.ECS)["max-client-subnet-ipv4"] == "24"

    def test_a_forwarder_tells_whom_it_asks(self) -> None:
        forwarding = ResolverBehaviour.FORWARDING

        assert self.told(forwarding, ecs_to=("provider-a",)) == ["198.18.1.8"]
        assert self.told(forwarding) == []

    @pytest.mark.parametrize("behaviour", sorted(set(ResolverBehaviour) - set(MORE)))
    def test_nobody_else_tells_a_subnet_or_passes_one_on(
        self, behaviour: ResolverBehaviour
    ) -> None:
        assert self.told(behaviour) == []
        assert options(behaviour)["module-config"] == "iterator"


class TestForwarding:
    def test_it_asks_the_resolver_that_it_forwards_to(self) -> None:
        assert options(ResolverBehaviour.FORWARDING)["forward-addr"] == "198.18.1.8"


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

        assert options(behaviour)["module-config"].split()[-1] == "iterator"
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

"""One request seen on every layer of a real lab, well and ill."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lab.live.daemons import registry
from lab.live.trace import wanted
from lab.live.world import LiveWorld
from lab.report.journey import Hop
from lab.scenario.model import FaultKind
from lab.topology.model import Topology

pytestmark = pytest.mark.live


@pytest.fixture
def mended(world: LiveWorld) -> Iterator[LiveWorld]:
    yield world
    for target in world.status().suffering:
        world.undo(target)


def forget(world: LiveWorld, topology: Topology) -> None:
    """Empty the cache of the resolver that is asked."""
    resolver = topology.access[0].resolvers[0]
    argv = registry.flush_argv(resolver.daemon, topology.zone.name)
    assert world.execute(resolver.name, *argv)["status"] == 0


def traced(world: LiveWorld, topology: Topology, name: str) -> dict[str, list[Hop]]:
    asked = wanted(topology, topology.access[0].clients.name, name, "")
    layers: dict[str, list[Hop]] = {}
    for hop in world.trace(topology, asked):
        layers.setdefault(hop.layer, []).append(hop)
    return layers


class TestTrace:
    def test_every_layer_is_seen_and_the_second_answer_comes_from_the_cache(
        self, world: LiveWorld, topology: Topology
    ) -> None:
        access = topology.access[0]
        forget(world, topology)
        first = traced(world, topology, "rr")
        second = traced(world, topology, "rr")

        assert "miss" in first["resolver"][0].what
        assert [hop.node for hop in first["authority"]] == [
            topology.zone.providers[0].name
        ]
        assert re.search(r"hit, [012] s old", second["resolver"][0].what)
        assert "authority" not in second
        for layers in (first, second):
            region = layers["backend"][0].what.rpartition(" ")[2]
            routers = [hop.node for hop in layers["router"]]
            assert routers[0] == access.name
            assert routers[-1] == f"{region}-edge"
            assert layers["L4"][0].node.startswith(f"{region}-l4-")
            assert layers["L7"][0].node.startswith(f"{region}-l7-")
            assert layers["backend"][0].node.startswith(f"{region}-be-")

    def test_a_cached_answer_leads_to_a_dead_region_and_the_way_ends_before_it(
        self, mended: LiveWorld, topology: Topology
    ) -> None:
        target = topology.regions[0]
        forget(mended, topology)
        traced(mended, topology, "failover")
        mended.inject(FaultKind.CRASH, target.name)

        layers = traced(mended, topology, "failover")

        assert "hit" in layers["resolver"][0].what
        assert layers["address"][0].node == str(target.address)
        assert "no connection" in layers["L4"][0].what
        assert layers["L4"][0].node == ""
        assert "L7" not in layers

"""Rules of what can suffer which fault, with nodes that only obey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.backend import app
from lab.errors import WrongUse
from lab.live import targets
from lab.live.fleet import Fleet
from lab.scenario.model import FaultKind
from tests.unit.live.fake_fleet import ADDRESS, small_fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet() as (nodes, _, _):
        yield nodes


class TestFind:
    def test_wholes_come_before_their_nodes_and_those_who_look_on_are_none(
        self, fleet: Fleet
    ) -> None:
        wholes = ("blue", "red", "provider")
        nodes = ("blue-be-1", "blue-edge", "honest", "red-be-1", "red-edge", "red-l4-1")

        pairs = [
            f"{region}:{other}"
            for region in ("blue", "red")
            for other in ("providers", "provider")
        ]

        assert targets.names(fleet) == (*wholes, *nodes, "transit", *pairs)

    def test_what_is_none_is_refused_with_all_there_are(self, fleet: Fleet) -> None:
        there = (
            'no target "users"; the lab has: regions blue, red; providers provider; '
            "nodes blue-be-1, blue-edge, honest, "
        )

        with pytest.raises(WrongUse, match=there):
            targets.find(fleet, "users")

    def test_a_region_is_all_of_its_nodes(self, fleet: Fleet) -> None:
        assert targets.find(fleet, "red").nodes == ("red-edge", "red-l4-1", "red-be-1")


class TestFaults:
    def test_each_kind_is_suffered_by_something(self, fleet: Fleet) -> None:
        found = [targets.find(fleet, name) for name in targets.names(fleet)]

        assert {kind for target in found for kind in target.faults} == set(FaultKind)

    @pytest.mark.parametrize(
        ("name", "kind", "instead"),
        [
            (
                "red",
                "provider-outage",
                "power-off, crash, hang, isolate, app-dead, drain",
            ),
            ("provider", "brown-out", "power-off, provider-outage, crash, hang, iso"),
            ("red-be-1", "power-off", "crash, hang"),
            ("transit", "isolate", "crash, hang"),
            ("red-l4-1", "isolate", "crash, hang"),
            ("red-edge", "drain", "crash, hang, power-off, isolate"),
        ],
    )
    def test_what_a_target_cannot_suffer_is_refused_with_what_it_can(
        self, fleet: Fleet, name: str, kind: str, instead: str
    ) -> None:
        said = f'"{name}" cannot suffer {kind}; it can: {instead}'

        with pytest.raises(WrongUse, match=said):
            targets.find(fleet, name).blows(FaultKind(kind))

    def test_a_fault_asks_one_thing_of_a_node(self, fleet: Fleet) -> None:
        for target in (targets.find(fleet, name) for name in targets.names(fleet)):
            for kind, blows in target.faults.items():
                hit = [node for blow in blows for node in blow.nodes]
                assert len(hit) == len(set(hit)), f"{kind} of {target.name}"

    def test_a_brown_out_is_the_file_that_backends_look_at(self, fleet: Fleet) -> None:
        (blow,) = targets.find(fleet, "red").blows(FaultKind.BROWN_OUT)

        assert blow.nodes == ("red-be-1",)
        assert blow.facts["argv"] == ("touch", app.BROWNED_OUT)

    def test_a_router_alone_is_cut_off_on_every_side(self, fleet: Fleet) -> None:
        for kind in (FaultKind.POWER_OFF, FaultKind.ISOLATE):
            (blow,) = targets.find(fleet, "red-edge").blows(kind)

            assert (blow.do, blow.nodes) == (kind, ("red-edge",))
            assert blow.facts == {"every_port": True}

    def test_an_l4_node_that_sends_packets_on_can_be_cut_off_too(
        self, fleet: Fleet
    ) -> None:
        proxy = fleet.members["red-l4-1"]
        fleet.members["red-l4-1"] = replace(proxy, stem="nftables")

        (blow,) = targets.find(fleet, "red-l4-1").blows(FaultKind.POWER_OFF)

        assert blow.facts == {"every_port": True}

    def test_a_pair_is_parted_where_the_region_begins(self, fleet: Fleet) -> None:
        pair = targets.find(fleet, "red:providers")
        (blow,) = pair.blows(FaultKind.PARTITION)

        assert (blow.do, blow.nodes) == ("shut-out", ("red-edge",))
        assert blow.facts == {"addresses": [ADDRESS]}
        assert pair.nodes == ()

    def test_a_provider_is_cut_off_before_it_ends(self, fleet: Fleet) -> None:
        for kind in (FaultKind.POWER_OFF, FaultKind.PROVIDER_OUTAGE):
            cut, end = targets.find(fleet, "provider").blows(kind)

            assert (cut.do, cut.nodes) == ("shut-out", ("transit",))
            assert cut.facts == {"addresses": [ADDRESS]}
            assert (end.do, end.nodes) == ("crash", ("provider",))
            assert cut.unseen_ns < end.unseen_ns

"""Rules of what can suffer which fault, with nodes that only obey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.backend import app
from lab.errors import WrongUse
from lab.live import targets
from lab.live.blows import Blow
from lab.live.fleet import Fleet
from lab.paths import topologies_folder
from lab.plan.build import build
from lab.plan.model import Role
from lab.render import bird
from lab.scenario.model import AMOUNTS, Fault, FaultKind
from lab.topology.loading import load
from tests.unit.live.fake_fleet import ADDRESS, FakeNode, small_fleet

TOPOLOGIES = sorted(topologies_folder().glob("*.yaml"))


@pytest.fixture
def small() -> Iterator[tuple[Fleet, dict[str, FakeNode]]]:
    with small_fleet() as (fleet, nodes, _):
        yield fleet, nodes


@pytest.fixture
def fleet(small: tuple[Fleet, dict[str, FakeNode]]) -> Fleet:
    return small[0]


@pytest.fixture
def nodes(small: tuple[Fleet, dict[str, FakeNode]]) -> dict[str, FakeNode]:
    return small[1]


def blows(
    fleet: Fleet, name: str, kind: FaultKind, **amounts: float
) -> tuple[Blow, ...]:
    much = amounts or {amount: 0.5 for amount, (of, _) in AMOUNTS.items() if of is kind}
    fault = Fault(kind=kind, target=name, **much)
    return targets.blows(fleet, targets.find(fleet, name), fault)


class TestFind:
    def test_wholes_come_before_their_nodes_and_those_who_look_on_are_none(
        self, fleet: Fleet
    ) -> None:
        wholes = ("blue", "red", "provider", "access-uplink", "red-uplink")
        nodes = ("access", "blue-be-1", "blue-edge", "honest", "red-be-1", "red-edge")
        more = ("red-l4-1", "transit")
        directions = (
            "access-uplink:access",
            "access-uplink:transit",
            "red-uplink:red-edge",
            "red-uplink:transit",
        )
        pairs = [
            f"{region}:{other}"
            for region in ("blue", "red")
            for other in ("providers", "provider", "users")
        ]

        processes = ("red-l4-1/envoy", "red-l4-1/announcer")

        found = targets.names(fleet)

        assert found == (*wholes, *nodes, *more, *directions, *pairs, *processes)

    def test_what_is_none_is_refused_with_all_there_are(self, fleet: Fleet) -> None:
        there = (
            'no target "atlantis"; the lab has: regions blue, red; providers provider; '
            "links access-uplink, red-uplink; nodes access, blue-be-1, .*; "
            "directions access-uplink:access, .*; pairs blue:providers"
        )

        with pytest.raises(WrongUse, match=there):
            targets.find(fleet, "atlantis")

    def test_those_who_look_on_are_refused_with_the_reason(self, fleet: Fleet) -> None:
        why = '"users" looks on, and .* the measurement\'s own; the lab has: regions'

        with pytest.raises(WrongUse, match=why):
            targets.find(fleet, "users")

    def test_a_lan_of_hosts_is_no_link_that_suffers(self, fleet: Fleet) -> None:
        with pytest.raises(WrongUse, match='no target "access-lan"'):
            targets.find(fleet, "access-lan")

    def test_a_region_with_two_edges_is_one_and_cut_off_at_both(
        self, fleet: Fleet
    ) -> None:
        fleet.members["red-be-1"] = replace(fleet.members["red-be-1"], role=Role.EDGE)

        assert targets.names(fleet)[:2] == ("blue", "red")
        assert targets.find(fleet, "red").exits == ("red-edge", "red-be-1")

    def test_a_region_is_all_of_its_nodes(self, fleet: Fleet) -> None:
        assert targets.find(fleet, "red").nodes == ("red-edge", "red-l4-1", "red-be-1")

    def test_several_are_named_together(self, fleet: Fleet) -> None:
        both = targets.find(fleet, "red+blue")

        assert both.nodes == (
            *targets.find(fleet, "red").nodes,
            *targets.find(fleet, "blue").nodes,
        )

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("blue", "red-edge"),
            ("red", "provider"),
            ("red-l4-1/envoy", "blue"),
            ("red-l4-1/envoy", "red-l4-1/announcer"),
        ],
    )
    def test_what_is_not_alike_is_never_one_target(
        self, fleet: Fleet, one: str, other: str
    ) -> None:
        with pytest.raises(WrongUse, match=f'"{one}" and "{other}" are not alike: onl'):
            targets.find(fleet, f"{one}+{other}")

    @pytest.mark.parametrize(
        ("one", "other", "both"),
        [
            ("red", "red", "red-be-1, red-edge, red-l4-1"),
            ("access-uplink", "red-uplink", "transit"),
            ("red:provider", "red:users", "red-edge"),
        ],
    )
    def test_several_that_need_the_same_node_are_refused_with_it(
        self, fleet: Fleet, one: str, other: str, both: str
    ) -> None:
        with pytest.raises(WrongUse, match=f'"{one}" and "{other}" both need {both}$'):
            targets.find(fleet, f"{one}+{other}")

    def test_relays_and_the_only_process_of_a_node_are_none(
        self, fleet: Fleet, nodes: dict[str, FakeNode]
    ) -> None:
        nodes["red-l4-1"].relays = ("relay-long-haul",)
        fleet.members["red-be-1"] = replace(fleet.members["red-be-1"], role=Role.L7)
        nodes["red-be-1"].relays = ("relay-long-haul",)

        found = targets.processes(fleet)

        assert found == ("red-l4-1/envoy", "red-l4-1/announcer")

    @pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.stem)
    def test_who_is_planned_with_several_processes_is_asked_for_them(
        self, path: Path
    ) -> None:
        plan = build(load(path), profile="quick")

        assert {n.role for n in plan.nodes if len(n.processes) > 1} <= {
            *targets.DO_SEVERAL
        }

    def test_each_of_several_must_be_there(self, fleet: Fleet) -> None:
        with pytest.raises(WrongUse, match='no target "green"'):
            targets.find(fleet, "red+green")


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
            ("provider", "brown-out", "crash, hang, power-off, isolate, prov"),
            ("red-be-1", "drain", "crash, hang, power-off, isolate, brown-out; drain"),
            ("honest", "drain", "crash, hang, power-off, isolate; drain is for: blue"),
            ("access-uplink", "crash", "isolate, lossy, slow; crash is for: blue, red"),
            (
                "red-uplink",
                "one-way",
                "isolate, lossy; one-way is for: access-uplink:a",
            ),
            ("red-uplink:transit", "isolate", "one-way, lossy; isolate is for: blue"),
            ("transit", "isolate", "crash, hang"),
            ("red-l4-1", "brown-out", "crash, hang, power-off, isolate; brown-out is"),
            ("red-edge", "drain", "crash, hang, power-off, isolate"),
        ],
    )
    def test_what_a_target_cannot_suffer_is_refused_with_what_it_can(
        self, fleet: Fleet, name: str, kind: str, instead: str
    ) -> None:
        said = f'"{name}" cannot suffer {kind}; it can: {instead}'

        with pytest.raises(WrongUse, match=said):
            blows(fleet, name, FaultKind(kind))

    def test_a_short_link_stays_short_without_netem(self, fleet: Fleet) -> None:
        said = r"slow is for: access-uplink \(without netem in the kernel, only a link"

        with pytest.raises(WrongUse, match=said):
            blows(fleet, "red-uplink", FaultKind.SLOW)

    def test_a_fault_asks_one_thing_of_a_node(self, fleet: Fleet) -> None:
        for target in (targets.find(fleet, name) for name in targets.names(fleet)):
            for kind, blows in target.faults.items():
                hit = [node for blow in blows for node in blow.nodes]
                assert len(hit) == len(set(hit)), f"{kind} of {target.name}"

    def test_a_brown_out_is_the_file_that_backends_look_at(self, fleet: Fleet) -> None:
        for name in ("red", "red-be-1"):
            (blow,) = blows(fleet, name, FaultKind.BROWN_OUT)

            assert blow.nodes == ("red-be-1",)
            assert blow.facts["argv"] == ("touch", app.BROWNED_OUT)

    @pytest.mark.parametrize("name", ["red-edge", "red-l4-1", "red-be-1"])
    def test_a_node_of_a_region_alone_is_cut_off_on_every_side(
        self, fleet: Fleet, name: str
    ) -> None:
        for kind in (FaultKind.POWER_OFF, FaultKind.ISOLATE):
            (blow,) = blows(fleet, name, kind)

            assert (blow.do, blow.nodes) == (kind, (name,))
            assert blow.facts == {"every_port": True}

    def test_a_host_that_its_kernel_cannot_cut_off_is_refused_with_the_reason(
        self, nodes: dict[str, FakeNode], fleet: Fleet
    ) -> None:
        nodes["red-be-1"].uncuttable = "Error: no egress"
        said = (
            "cannot suffer isolate; it can: crash, hang, brown-out; isolate is for: "
            r"blue, .* \(Error: no egress\)"
        )

        with pytest.raises(WrongUse, match=said):
            blows(fleet, "red-be-1", FaultKind.ISOLATE)

    def test_a_pair_is_parted_where_the_region_begins(self, fleet: Fleet) -> None:
        pair = targets.find(fleet, "red:providers")
        (blow,) = blows(fleet, "red:providers", FaultKind.PARTITION)

        assert (blow.do, blow.nodes) == ("shut-out", ("red-edge",))
        assert blow.facts == {"addresses": [ADDRESS]}
        assert pair.nodes == ()

    @pytest.mark.parametrize(
        ("name", "kind", "router"),
        [
            ("provider", FaultKind.POWER_OFF, "transit"),
            ("provider", FaultKind.PROVIDER_OUTAGE, "transit"),
            ("honest", FaultKind.POWER_OFF, "access"),
        ],
    )
    def test_a_host_is_cut_off_by_its_router_before_it_ends(
        self, fleet: Fleet, name: str, kind: FaultKind, router: str
    ) -> None:
        cut, end = blows(fleet, name, kind)

        assert (cut.do, cut.nodes) == ("shut-out", (router,))
        assert cut.facts == {"addresses": [ADDRESS]}
        assert (end.do, end.nodes) == ("crash", (name,))
        assert (cut.behind, end.behind) == (False, True)

    def test_the_only_l4_node_is_not_drained_alone(self, fleet: Fleet) -> None:
        said = (
            "cannot suffer drain; it can: crash, hang, power-off, isolate; drain is "
            r"for: blue, red \(nobody else takes its users: drain the region\)"
        )

        with pytest.raises(WrongUse, match=said):
            blows(fleet, "red-l4-1", FaultKind.DRAIN)

    def test_one_of_several_l4_nodes_leaves_its_routes_to_the_others(
        self, fleet: Fleet
    ) -> None:
        fleet.members["red-be-1"] = replace(fleet.members["red-be-1"], role=Role.L4)

        (blow,) = blows(fleet, "red-l4-1", FaultKind.DRAIN)

        assert (blow.do, blow.nodes) == ("run", ("red-l4-1",))
        assert blow.facts["argv"][-1] == (
            f"touch {bird.LEAVING_FILE} && birdc -s {bird.SOCKET} disable "
            f"'\"{bird.ANYCAST_ROUTES}*\"' && birdc -s {bird.SOCKET} disable "
            f"{bird.UNICAST_ROUTES}"
        )

    def test_one_process_is_asked_for_by_name(self, fleet: Fleet) -> None:
        process = targets.find(fleet, "red-l4-1/announcer")

        for kind in (FaultKind.CRASH, FaultKind.HANG):
            (blow,) = blows(fleet, "red-l4-1/announcer", kind)
            assert (blow.do, blow.nodes) == (kind, ("red-l4-1",))
            assert blow.facts == {"process": "announcer"}
        assert process.undo[0].facts == {"process": "announcer"}

    def test_several_suffer_what_each_of_them_can(self, fleet: Fleet) -> None:
        both = targets.find(fleet, "red+blue")
        apart = [targets.find(fleet, name) for name in ("red", "blue")]

        hit = [n for blow in both.faults[FaultKind.CRASH] for n in blow.nodes]
        assert hit == [n for one in apart for n in one.nodes]
        assert both.watched[FaultKind.POWER_OFF] == ("red-edge", "blue-edge")
        with pytest.raises(WrongUse, match="cannot suffer brown-out"):
            blows(fleet, "red-be-1+blue-edge", FaultKind.BROWN_OUT)


class TestLinks:
    def test_a_cut_link_is_deaf_at_both_ends(self, fleet: Fleet) -> None:
        here, there = blows(fleet, "red-uplink", FaultKind.ISOLATE)

        assert (here.do, here.nodes) == ("lose", ("red-edge",))
        assert here.facts == {"address": "10.0.0.131", "loss": 1}
        assert (there.do, there.nodes) == ("lose", ("transit",))
        assert there.facts == {"address": "10.0.0.130", "loss": 1}

    def test_what_a_node_sends_is_lost_where_it_arrives(self, fleet: Fleet) -> None:
        (blow,) = blows(fleet, "red-uplink:red-edge", FaultKind.ONE_WAY)

        assert (blow.do, blow.nodes) == ("lose", ("transit",))
        assert blow.facts == {"address": "10.0.0.130", "loss": 1}

    def test_as_much_is_lost_as_is_said_in_either_direction(self, fleet: Fleet) -> None:
        lost = blows(fleet, "red-uplink", FaultKind.LOSSY, loss=0.3)

        assert [blow.facts["loss"] for blow in lost] == [0.3, 0.3]

    def test_a_link_gets_longer_where_it_can(self, fleet: Fleet) -> None:
        (blow,) = blows(fleet, "access-uplink", FaultKind.SLOW, extra_ms=50)

        assert (blow.do, blow.nodes) == ("slow", ("transit",))
        assert blow.facts == {"address": "10.0.0.66", "extra_ms": 50}

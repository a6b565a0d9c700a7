"""Rules of striking, stamping and undoing faults, with nodes that only obey."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.errors import WrongUse
from lab.live import faults
from lab.live.faults import Effect, effect_of
from lab.live.fleet import Fleet
from lab.plan.model import Role
from lab.scenario.model import AMOUNTS, Fault, FaultKind
from tests.unit.live.fake_fleet import ADDRESS, FakeNode, small_fleet

NOW_NS = 1_000_000_000


def fault(kind: FaultKind, target: str) -> Fault:
    amounts = {name: 0.5 for name, (of, _) in AMOUNTS.items() if of is kind}
    return Fault(kind=kind, target=target, **amounts)


@pytest.fixture
def small() -> Iterator[tuple[Fleet, dict[str, FakeNode], list[str]]]:
    with small_fleet() as made:
        yield made


@pytest.fixture
def fleet(small: tuple[Fleet, dict[str, FakeNode], list[str]]) -> Fleet:
    return small[0]


@pytest.fixture
def nodes(small: tuple[Fleet, dict[str, FakeNode], list[str]]) -> dict[str, FakeNode]:
    return small[1]


@pytest.fixture
def log(small: tuple[Fleet, dict[str, FakeNode], list[str]]) -> list[str]:
    return small[2]


def add_second_balancer(fleet: Fleet) -> None:
    other = replace(fleet.members["red-l4-1"], node="red-l4-2")
    fleet.members["red-l4-2"] = other
    fleet.channels["red-l4-2"] = FakeNode(name="red-l4-2", log=[], hear=fleet._hear)


class TestEffectOf:
    def test_it_is_the_latest_end_back_to_the_earliest_beginning(self) -> None:
        told = [
            {"before_ns": 10, "after_ns": 12},
            {"before_ns": 11, "after_ns": 19},
        ]

        assert effect_of(told) == Effect(at_ns=19, uncertainty_ns=9)


class TestStrike:
    def test_a_power_off_is_seen_at_the_edge_alone(
        self, fleet: Fleet, nodes: dict[str, FakeNode]
    ) -> None:
        nodes["red-edge"].late_ns = 5
        nodes["red-be-1"].late_ns = 50

        effect = faults.arm(fleet, fault(FaultKind.POWER_OFF, "red"), NOW_NS).effect()

        assert effect == Effect(
            at_ns=NOW_NS + 5,
            uncertainty_ns=5,
            silent={"red-edge": (NOW_NS, NOW_NS + 1)},
        )

    def test_those_inside_a_region_end_when_its_edge_is_cut(
        self, fleet: Fleet, log: list[str]
    ) -> None:
        strike = faults.arm(fleet, fault(FaultKind.POWER_OFF, "red"), NOW_NS)
        armed = list(log)
        strike.effect()

        assert armed == ["red-edge power-off"]
        assert log == [*armed, "red-l4-1 power-off", "red-be-1 power-off"]

    def test_who_dies_by_a_crash_has_said_so(self, fleet: Fleet) -> None:
        assert (
            faults.arm(fleet, fault(FaultKind.CRASH, "red"), NOW_NS).effect().silent
            == {}
        )

    def test_a_providers_outage_is_seen_when_it_is_cut_off(
        self, fleet: Fleet, nodes: dict[str, FakeNode], log: list[str]
    ) -> None:
        nodes["transit"].late_ns = 7

        strike = faults.arm(fleet, fault(FaultKind.PROVIDER_OUTAGE, "provider"), NOW_NS)
        armed = list(log)

        assert strike.effect() == Effect(at_ns=NOW_NS + 7, uncertainty_ns=7)
        assert armed == [f"transit shut-out {ADDRESS}"]
        assert log == [*armed, "provider crash"]

    def test_the_second_stage_of_a_drain_stops_every_node(
        self, fleet: Fleet, log: list[str]
    ) -> None:
        faults.arm_stop(fleet, "red", NOW_NS).effect()

        assert log == ["red-edge stop", "red-l4-1 stop", "red-be-1 stop"]


class TestState:
    @pytest.mark.parametrize(
        ("kind", "target", "state"),
        [
            (FaultKind.POWER_OFF, "red", "down"),
            (FaultKind.CRASH, "red", "down"),
            (FaultKind.HANG, "red", "hung"),
            (FaultKind.ISOLATE, "red", "isolated"),
            (FaultKind.APP_DEAD, "red", "app-dead"),
            (FaultKind.ISOLATE, "provider", "isolated"),
            (FaultKind.DRAIN, "red", "drained"),
            (FaultKind.WITHDRAW, "red", "withdrawn"),
            (FaultKind.BROWN_OUT, "red", "browned out"),
            (FaultKind.PROVIDER_OUTAGE, "provider", "down"),
            (FaultKind.HANG, "provider", "hung"),
            (FaultKind.CRASH, "red-l4-1", "down"),
            (FaultKind.HANG, "honest", "hung"),
            (FaultKind.ISOLATE, "red-l4-1", "isolated"),
            (FaultKind.POWER_OFF, "red-l4-1", "down"),
            (FaultKind.POWER_OFF, "honest", "down"),
            (FaultKind.ISOLATE, "honest", "isolated"),
            (FaultKind.ISOLATE, "red-uplink", "isolated"),
            (FaultKind.LOSSY, "red-uplink", "losing 50 % of its packets"),
            (FaultKind.SLOW, "access-uplink", "slower by 0.5 ms each way"),
            (FaultKind.ONE_WAY, "red-uplink:transit", "lost one way"),
            (FaultKind.LOSSY, "red-uplink:red-edge", "losing 50 % of its packets"),
        ],
    )
    def test_a_fault_is_known_by_its_state_until_it_is_undone(
        self, fleet: Fleet, kind: FaultKind, target: str, state: str
    ) -> None:
        faults.inject(fleet, fault(kind, target))

        assert faults.suffering(fleet) == {target: state}
        with pytest.raises(WrongUse, match=f'"{target}" is {state} already: `lab f'):
            faults.inject(fleet, fault(kind, target))

        faults.restore(fleet, target)

        assert faults.suffering(fleet) == {}

    def test_a_pair_is_parted_and_both_are_well(self, fleet: Fleet) -> None:
        faults.inject(fleet, fault(FaultKind.PARTITION, "red:provider"))

        # The only provider is all of them.
        assert faults.suffering(fleet) == {"red:providers": "parted"}
        with pytest.raises(WrongUse, match='"blue:provider" suffers from no fault'):
            faults.demand_a_fault(fleet, "blue:provider")

        faults.restore(fleet, "red:provider")

        assert faults.suffering(fleet) == {}

    def test_two_targets_suffer_at_once_and_each_is_restored_by_itself(
        self, fleet: Fleet
    ) -> None:
        faults.inject(fleet, fault(FaultKind.BROWN_OUT, "red"))
        faults.inject(fleet, fault(FaultKind.PROVIDER_OUTAGE, "provider"))

        assert faults.suffering(fleet) == {"red": "browned out", "provider": "down"}

        faults.restore(fleet, "red")

        assert faults.suffering(fleet) == {"provider": "down"}

    def test_the_only_way_out_takes_its_region_along(self, fleet: Fleet) -> None:
        faults.inject(fleet, fault(FaultKind.POWER_OFF, "red-edge"))

        assert faults.suffering(fleet) == {"red": "isolated", "red-edge": "down"}

        faults.restore(fleet, "red-edge")

        assert faults.suffering(fleet) == {}

    def test_the_only_backend_takes_its_region_along(self, fleet: Fleet) -> None:
        faults.inject(fleet, fault(FaultKind.BROWN_OUT, "red-be-1"))

        assert faults.state(fleet, "red-be-1") == "browned out"
        assert faults.suffering(fleet) == {"red": "browned out"}

        faults.restore(fleet, "red-be-1")

        assert faults.suffering(fleet) == {}

    @pytest.mark.parametrize(
        ("kinds", "found"),
        [
            (
                (FaultKind.CRASH, FaultKind.APP_DEAD),
                {"red": "app-dead", "red-l4-1": "down"},
            ),
            ((FaultKind.CRASH, FaultKind.HANG), {"red": "hung", "red-l4-1": "down"}),
            (
                (FaultKind.CRASH, FaultKind.ISOLATE),
                {"red": "isolated", "red-l4-1": "down"},
            ),
        ],
    )
    def test_a_region_hit_after_one_of_its_nodes_is_told_and_undone(
        self,
        fleet: Fleet,
        kinds: tuple[FaultKind, FaultKind],
        found: dict[str, str],
    ) -> None:
        faults.inject(fleet, fault(kinds[0], "red-l4-1"))
        faults.inject(fleet, fault(kinds[1], "red"))

        assert faults.suffering(fleet) == found

        faults.demand_a_fault(fleet, "red")
        faults.restore(fleet, "red")

        assert faults.suffering(fleet) == {}

    def test_a_region_that_is_half_back_can_be_restored(self, fleet: Fleet) -> None:
        faults.inject(fleet, fault(FaultKind.CRASH, "red"))
        faults.restore(fleet, "red-be-1")

        assert set(faults.suffering(fleet)) == {"red-edge", "red-l4-1"}
        faults.demand_a_fault(fleet, "red")

    def test_what_befalls_a_node_is_not_its_regions(self, fleet: Fleet) -> None:
        faults.inject(fleet, fault(FaultKind.CRASH, "red-l4-1"))
        faults.inject(fleet, fault(FaultKind.BROWN_OUT, "red"))

        assert faults.suffering(fleet) == {"red": "browned out", "red-l4-1": "down"}

    @pytest.mark.parametrize("undone", ["red-l4-1", "red"])
    def test_a_drained_l4_node_is_told_and_comes_back_alone_or_with_its_region(
        self, fleet: Fleet, undone: str
    ) -> None:
        add_second_balancer(fleet)

        faults.inject(fleet, fault(FaultKind.DRAIN, "red-l4-1"))

        assert faults.suffering(fleet) == {"red-l4-1": "drained"}

        faults.demand_a_fault(fleet, undone)
        faults.restore(fleet, undone)

        assert faults.suffering(fleet) == {}

    def test_one_process_of_several_is_told_by_its_own_name(
        self, fleet: Fleet, nodes: dict[str, FakeNode]
    ) -> None:
        faults.inject(fleet, Fault(kind=FaultKind.HANG, target="red-l4-1/announcer"))
        assert faults.suffering(fleet) == {"red-l4-1/announcer": "hung"}

        faults.inject(fleet, Fault(kind=FaultKind.CRASH, target="red-l4-1/envoy"))
        assert faults.state(fleet, "red-l4-1/envoy") == "down"
        assert faults.state(fleet, "red-l4-1") == "hung"

        faults.restore(fleet, "red-l4-1/announcer")
        assert faults.suffering(fleet) == {"red-l4-1/envoy": "down"}
        assert nodes["red-l4-1"].dead == {"envoy"}

    def test_processes_of_a_dead_node_are_not_told_beside_it(
        self, fleet: Fleet
    ) -> None:
        faults.inject(fleet, Fault(kind=FaultKind.CRASH, target="red-l4-1"))

        assert faults.suffering(fleet) == {"red-l4-1": "down"}

    def test_several_at_once_are_each_told_and_undone_together(
        self, fleet: Fleet
    ) -> None:
        faults.inject(fleet, Fault(kind=FaultKind.BROWN_OUT, target="red+blue"))
        assert faults.suffering(fleet) == {"red": "browned out", "blue": "browned out"}
        assert faults.state(fleet, "red+blue") == "browned out"

        faults.restore(fleet, "red")
        with pytest.raises(WrongUse, match='"blue" is browned out already'):
            faults.inject(fleet, Fault(kind=FaultKind.CRASH, target="red+blue"))

        faults.restore(fleet, "red+blue")
        assert faults.suffering(fleet) == {}

    def test_what_suffers_from_nothing_has_nothing_to_undo(self, fleet: Fleet) -> None:
        with pytest.raises(WrongUse, match='"blue" suffers from no fault; nothing d'):
            faults.demand_a_fault(fleet, "blue")

        faults.inject(fleet, fault(FaultKind.CRASH, "red"))

        with pytest.raises(WrongUse, match='"blue" suffers from no fault; red is down'):
            faults.demand_a_fault(fleet, "blue")

    def test_one_backend_that_fails_users_is_its_regions_if_it_is_the_only_one(
        self, fleet: Fleet
    ) -> None:
        faults.inject(fleet, fault(FaultKind.BROWN_OUT, "red-be-1"))

        assert faults.suffering(fleet) == {"red": "browned out"}

        faults.restore(fleet, "red-be-1")

        assert faults.suffering(fleet) == {}

    def test_two_lost_directions_are_a_cut_link(self, fleet: Fleet) -> None:
        faults.inject(fleet, fault(FaultKind.ONE_WAY, "red-uplink:transit"))
        faults.inject(fleet, fault(FaultKind.ONE_WAY, "red-uplink:red-edge"))

        assert faults.suffering(fleet) == {"red-uplink": "isolated"}

        faults.restore(fleet, "red-uplink:transit")

        assert faults.suffering(fleet) == {"red-uplink:red-edge": "lost one way"}

    def test_a_link_is_restored_with_its_directions(self, fleet: Fleet) -> None:
        faults.inject(fleet, fault(FaultKind.SLOW, "access-uplink"))
        faults.inject(fleet, fault(FaultKind.LOSSY, "access-uplink:transit"))
        lossy = "losing 50 % of its packets"

        assert faults.suffering(fleet) == {
            "access-uplink": "slower by 0.5 ms each way",
            "access-uplink:transit": lossy,
        }

        faults.restore(fleet, "access-uplink:transit")
        faults.inject(fleet, fault(FaultKind.LOSSY, "access-uplink:access"))
        faults.restore(fleet, "access-uplink")

        assert faults.suffering(fleet) == {}

    def test_a_link_is_undone_where_only_a_direction_suffers(
        self, fleet: Fleet
    ) -> None:
        faults.inject(fleet, fault(FaultKind.ONE_WAY, "red-uplink:transit"))

        faults.demand_a_fault(fleet, "red-uplink")


class TestInject:
    def test_nothing_is_done_for_a_fault_that_the_target_cannot_suffer(
        self, fleet: Fleet, log: list[str]
    ) -> None:
        with pytest.raises(WrongUse, match="cannot suffer drain"):
            faults.inject(fleet, fault(FaultKind.DRAIN, "provider"))

        assert log == []

    @pytest.mark.parametrize("links", ["red-uplink", "blue-uplink+red-uplink"])
    def test_one_of_several_links_is_not_hit_while_a_direction_of_it_suffers(
        self, fleet: Fleet, links: str
    ) -> None:
        for node, address in (("access", "10.0.0.194"), ("blue-edge", "10.0.0.195")):
            member = fleet.members[node]
            ends = {**member.links, "blue-uplink": address}
            fleet.members[node] = replace(member, links=ends)
        faults.inject(fleet, fault(FaultKind.ONE_WAY, "red-uplink:transit"))

        with pytest.raises(WrongUse, match='"red-uplink:transit" is lost one way alr'):
            faults.inject(fleet, fault(FaultKind.ISOLATE, links))

    def test_a_link_is_not_hit_again_while_a_direction_of_it_suffers(
        self, fleet: Fleet
    ) -> None:
        faults.inject(fleet, fault(FaultKind.ONE_WAY, "red-uplink:transit"))
        already = (
            '"red-uplink:transit" is lost one way already: `lab fault restore '
            "red-uplink:transit` first, or strike what is well: access-uplink, "
            "access-uplink:access, access-uplink:transit, red-uplink:red-edge$"
        )

        with pytest.raises(WrongUse, match=already):
            faults.inject(fleet, fault(FaultKind.LOSSY, "red-uplink"))


class TestDrain:
    @pytest.mark.parametrize("kind", [FaultKind.DRAIN, FaultKind.WITHDRAW])
    @pytest.mark.parametrize(
        ("struck", "what", "said"),
        [
            (FaultKind.CRASH, "red-l4-1/bird", '"red-l4-1/bird" is down already'),
            (FaultKind.HANG, "red-l4-1/bird", '"red-l4-1/bird" is hung already'),
            (FaultKind.CRASH, "red-l4-1", '"red-l4-1" is down already: `lab fault re'),
            (FaultKind.HANG, "red-l4-1", '"red-l4-1" is hung already: `lab fault re'),
        ],
    )
    def test_who_cannot_withhold_its_routes_comes_back_first(
        self,
        fleet: Fleet,
        nodes: dict[str, FakeNode],
        kind: FaultKind,
        struck: FaultKind,
        what: str,
        said: str,
    ) -> None:
        nodes["red-l4-1"].processes = ("envoy", "bird", "announcer")
        faults.inject(fleet, fault(struck, what))

        with pytest.raises(WrongUse, match=f"{said}.*what is well: blue$"):
            faults.inject(fleet, fault(kind, "red"))

        assert not nodes["red-l4-1"].files
        assert not nodes["red-be-1"].files

        faults.restore(fleet, what)
        faults.inject(fleet, fault(kind, "red"))

    def test_a_node_without_its_bird_is_not_drained(
        self, fleet: Fleet, nodes: dict[str, FakeNode]
    ) -> None:
        add_second_balancer(fleet)
        nodes["red-l4-1"].processes = ("envoy", "bird")
        faults.inject(fleet, fault(FaultKind.CRASH, "red-l4-1/bird"))
        already = '"red-l4-1/bird" is down already: `lab fault restore red-l4-1/bird` f'

        with pytest.raises(WrongUse, match=already):
            faults.inject(fleet, fault(FaultKind.DRAIN, "red-l4-1"))

        assert not nodes["red-l4-1"].files

    @pytest.mark.parametrize(
        ("before", "target"),
        [
            (None, "red-l4-1+red-l4-2"),
            (fault(FaultKind.DRAIN, "red-l4-1"), "red-l4-2"),
            (fault(FaultKind.CRASH, "red-l4-1"), "red-l4-2"),
            (fault(FaultKind.ISOLATE, "red-l4-1"), "red-l4-2"),
            (fault(FaultKind.CRASH, "red-l4-1/envoy"), "red-l4-2"),
        ],
    )
    def test_somebody_is_left_to_take_the_users_of_a_drained_node(
        self, fleet: Fleet, log: list[str], before: Fault | None, target: str
    ) -> None:
        add_second_balancer(fleet)
        if before:
            faults.inject(fleet, before)
        done = list(log)
        said = f'"{re.escape(target)}" cannot suffer drain now .nobody else takes its'

        with pytest.raises(WrongUse, match=said):
            faults.inject(fleet, fault(FaultKind.DRAIN, target))

        assert log == done

    def test_who_would_leave_nobody_is_not_named_as_well(self, fleet: Fleet) -> None:
        add_second_balancer(fleet)
        faults.inject(fleet, fault(FaultKind.DRAIN, "red-l4-1"))

        with pytest.raises(WrongUse, match=r"strike what is well: blue, red$"):
            faults.inject(fleet, fault(FaultKind.DRAIN, "red-l4-1"))

        faults.inject(fleet, fault(FaultKind.DRAIN, "red"))


class TestProcess:
    @pytest.mark.parametrize("whole", ["red-l4-1", "red-be-1"])
    def test_it_is_told_and_restored_whatever_node_runs_several(
        self, fleet: Fleet, nodes: dict[str, FakeNode], whole: str
    ) -> None:
        fleet.members["red-be-1"] = replace(fleet.members["red-be-1"], role=Role.L7)
        nodes[whole].processes = ("envoy", "bird")
        nodes[whole].dead = {"bird"}

        assert faults.suffering(fleet) == {f"{whole}/bird": "down"}

        faults.demand_a_fault(fleet, f"{whole}/bird")
        faults.restore(fleet, f"{whole}/bird")

        assert faults.suffering(fleet) == {}

    @pytest.mark.parametrize("also", [None, fault(FaultKind.DRAIN, "red-l4-1")])
    def test_one_that_is_well_is_not_restored_for_what_is_beside_it(
        self, fleet: Fleet, also: Fault | None
    ) -> None:
        add_second_balancer(fleet)
        if also:
            faults.inject(fleet, also)
        faults.inject(fleet, fault(FaultKind.CRASH, "red-l4-1/announcer"))

        faults.demand_a_fault(fleet, "red-l4-1/announcer")
        with pytest.raises(WrongUse, match='"red-l4-1/envoy" suffers from no fault; r'):
            faults.demand_a_fault(fleet, "red-l4-1/envoy")

    def test_of_several_one_that_suffers_is_enough(self, fleet: Fleet) -> None:
        add_second_balancer(fleet)
        fleet.channels["red-l4-2"] = fleet.channels["red-l4-1"]
        faults.inject(fleet, fault(FaultKind.CRASH, "red-l4-1/envoy"))

        faults.demand_a_fault(fleet, "red-l4-1/envoy+red-l4-2/envoy")

    @pytest.mark.parametrize(
        ("kind", "state"),
        [
            (FaultKind.POWER_OFF, "down"),
            (FaultKind.CRASH, "down"),
            (FaultKind.HANG, "hung"),
        ],
    )
    def test_what_its_node_took_along_is_told_as_the_nodes(
        self, fleet: Fleet, kind: FaultKind, state: str
    ) -> None:
        faults.inject(fleet, fault(kind, "red-l4-1"))
        already = f'"red-l4-1" is {state} already: `lab fault restore red-l4-1` first'

        with pytest.raises(WrongUse, match=already):
            faults.inject(fleet, fault(FaultKind.HANG, "red-l4-1/announcer"))

    @pytest.mark.parametrize(
        ("kind", "state"),
        [(FaultKind.POWER_OFF, "down"), (FaultKind.ISOLATE, "isolated")],
    )
    def test_none_starts_on_a_node_that_is_off(
        self, fleet: Fleet, kind: FaultKind, state: str
    ) -> None:
        faults.inject(fleet, fault(FaultKind.CRASH, "red-l4-1/announcer"))
        faults.inject(fleet, fault(kind, "red-l4-1"))
        said = (
            f'"red-l4-1" is {state}, and "red-l4-1/announcer" with it: `lab fault '
            "restore red-l4-1`"
        )

        with pytest.raises(WrongUse, match=said):
            faults.demand_a_fault(fleet, "red-l4-1/announcer")


class TestRestore:
    def test_a_provider_is_let_in_before_it_starts(
        self, fleet: Fleet, log: list[str]
    ) -> None:
        faults.restore(fleet, "provider")

        assert log == [f"transit let-in {ADDRESS}", "provider restore"]


def test_a_node_without_a_daemon_has_lost_none(
    fleet: Fleet, nodes: dict[str, FakeNode]
) -> None:
    nodes["red-be-1"].processes = ()

    assert faults.state(fleet, "red-be-1") == "up"

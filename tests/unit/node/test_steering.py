"""Rules of steering flows to the L7 nodes that live."""

from __future__ import annotations

import pytest

from lab.node.steering import Steering, commands

NODES = {
    "l7-1": {"mark": 1, "address": "10.0.0.4"},
    "l7-2": {"mark": 2, "address": "10.0.0.5"},
    "l7-3": {"mark": 3, "address": "10.0.0.6"},
}
FALL = 3


class World:
    """L7 nodes that are well or not, and a kernel that keeps what it is told."""

    def __init__(self) -> None:
        self.sick: set[str] = set()
        self.told: list[str] = []
        args = {"nodes": NODES, "hash": "modulo", "fall": FALL, "rise": 1}
        self.steering = Steering(
            args,
            look=lambda address: address not in self.sick,
            apply=self.told.append,
        )

    def looks(self, count: int) -> int:
        """Look so often, and return how many times the kernel was told anew."""
        before = len(self.told)
        for _ in range(count):
            self.steering.look()
        return len(self.told) - before


@pytest.fixture
def world() -> World:
    return World()


class TestSteering:
    def test_all_that_are_well_get_flows_from_the_first_look_on(
        self, world: World
    ) -> None:
        assert world.looks(1) == 1
        assert "elements alive { 1, 2, 3 }" in world.told[0].replace(
            "add element ip steering", "elements"
        )

    def test_nothing_is_told_while_nothing_changes(self, world: World) -> None:
        world.looks(1)
        assert world.looks(10) == 0

    def test_a_node_is_given_up_after_enough_bad_looks_in_a_row(
        self, world: World
    ) -> None:
        world.looks(1)
        world.sick = {"10.0.0.5"}

        assert world.looks(FALL - 1) == 0
        assert world.looks(1) == 1
        assert "alive { 1, 3 }" in world.told[-1]

    def test_a_good_look_in_between_forgives(self, world: World) -> None:
        world.looks(1)
        world.sick = {"10.0.0.5"}
        world.looks(FALL - 1)
        world.sick = set()
        world.looks(1)
        world.sick = {"10.0.0.5"}

        assert world.looks(FALL - 1) == 0

    def test_a_node_that_is_back_gets_its_share_again(self, world: World) -> None:
        world.looks(1)
        world.sick = {"10.0.0.5"}
        world.looks(FALL)
        world.sick = set()

        assert world.looks(1) == 1
        assert world.told[-1] == world.told[0]

    def test_when_all_are_dead_packets_are_dropped(self, world: World) -> None:
        world.looks(1)
        world.sick = {node["address"] for node in NODES.values()}
        world.looks(FALL)

        assert world.told[-1].endswith("choose drop\n")
        assert "slots {" not in world.told[-1]


class TestCommands:
    def test_flows_of_a_living_node_stay_before_any_hash_is_asked(self) -> None:
        rules = [c for c in commands({"l7-1": 1, "l7-3": 3}, "modulo") if "rule" in c]

        new, known, alive, hashed, remembered = rules
        assert "== syn delete @flows" in new
        assert known.endswith("map @flows")
        assert "!= @alive" in alive
        assert "mod 8400 " in hashed
        assert "update @flows" in remembered

    def test_each_slot_has_the_mark_of_its_node(self) -> None:
        told = list(commands({"l7-1": 1, "l7-3": 3}, "modulo"))
        (slots,) = (c for c in told if c.startswith("add element ip steering slots"))

        assert "{ 0 : 1, 1 : 3, 2 : 1, " in slots

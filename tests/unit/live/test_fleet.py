"""Rules of a fleet: who is asked what, and how often."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.live.fleet import Fleet, Member
from lab.live.naming import node_labels
from lab.plan.build import build
from tests.unit.live.fake_fleet import small_fleet
from tests.unit.worlds import quick


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet() as (nodes, _, _):
        yield nodes


class TestMember:
    def test_a_node_is_what_its_labels_say(self) -> None:
        plan = build(quick(), profile="quick")
        edge = plan.node("us-east-edge")

        member = Member.from_labels(node_labels("mine", plan, edge, "digest"), "id")

        assert (member.node, member.role, member.site) == (
            "us-east-edge",
            edge.role,
            "us-east",
        )
        assert member.links == {
            port.link: str(port.address.ip) for port in edge.interfaces
        }


class TestAskingOnce:
    def test_what_a_node_said_holds_so_long_and_no_longer(self, fleet: Fleet) -> None:
        with fleet.asking_once():
            (first,) = fleet.request("status", ["red-edge"]).values()
            everybody = fleet.request("status")
        (later,) = fleet.request("status", ["red-edge"]).values()

        assert everybody["red-edge"] is first
        assert later is not first

    def test_another_question_is_put(self, fleet: Fleet) -> None:
        with fleet.asking_once():
            here = fleet.request("run", ["red-edge"], argv=("test", "-e", "/a"))
            there = fleet.request("run", ["red-edge"], argv=("test", "-e", "/b"))

        assert here["red-edge"] is not there["red-edge"]

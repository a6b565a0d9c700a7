"""Rules of what is said of a lab at a moment."""

from __future__ import annotations

import json
from dataclasses import asdict

from lab.live.engine import Found
from lab.live.naming import DIGEST, NODE, PROFILE, ROLE, SITE, STEM, TOPOLOGY
from lab.live.status import lab_status


def found(node: str, state: str = "running") -> Found:
    labels = {
        NODE: node,
        ROLE: "edge",
        SITE: "red",
        STEM: "bird",
        TOPOLOGY: "minimal",
        PROFILE: "quick",
        DIGEST: "0",
    }
    return Found(id=node, name=node, state=state, labels=labels)


class TestReady:
    def test_a_lab_without_containers_is_not(self) -> None:
        assert not lab_status("mine", ()).ready

    def test_a_lab_is_if_all_of_its_nodes_are(self) -> None:
        nodes = (found("a"), found("b"))

        assert lab_status("mine", nodes).ready
        assert not lab_status("mine", (*nodes, found("c", "exited"))).ready
        assert not lab_status("mine", nodes, down={"a": ("bird",)}).ready
        assert not lab_status("mine", nodes, missing={"b": {"BGP": "Idle"}}).ready

    def test_a_lab_in_which_something_suffers_is_not(self) -> None:
        nodes = (found("a"),)

        assert not lab_status("mine", nodes, suffering={"red": "browned out"}).ready


class TestLabStatus:
    def test_nodes_are_sorted_by_name(self) -> None:
        status = lab_status("mine", (found("b"), found("a")))

        assert [node.name for node in status.nodes] == ["a", "b"]

    def test_it_can_be_written_as_json(self) -> None:
        status = lab_status("mine", (found("a"),), suffering={"red": "down"})

        assert json.loads(json.dumps(asdict(status)))["suffering"] == {"red": "down"}

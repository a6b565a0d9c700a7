from __future__ import annotations

import json

import pytest

from lab.cli import nodes
from lab.cli.main import status_of
from lab.cli.nodes import full_name, readable, who_asks_whom
from lab.errors import WrongUse
from lab.live.status import LabStatus, NodeStatus
from tests.unit.cli.fakes import FakeLive


def node(name: str, role: str, site: str) -> NodeStatus:
    return NodeStatus(name=name, role=role, site=site, state="running")


STATUS = LabStatus(
    lab="two-region",
    topology="two-region",
    nodes=(
        node("eu-honest", "resolver", "access-eu"),
        node("provider-a", "provider", "transit-a"),
        node("us-honest", "resolver", "access-us"),
        node("users-us", "clients", "access-us"),
        node("us-east-be-1", "backend", "us-east"),
    ),
)


class TestWhoAsksWhom:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("", ("eu-honest", "eu-honest")),
            ("us-honest", ("us-honest", "us-honest")),
            ("provider-a", ("provider-a", "provider-a")),
            ("users-us", ("users-us", "us-honest")),
            ("us-east-be-1", ("us-east-be-1", "eu-honest")),
        ],
    )
    def test_those_that_answer_ask_themselves_others_their_site(
        self, source: str, expected: tuple[str, str]
    ) -> None:
        assert who_asks_whom(STATUS, source) == expected

    def test_a_node_that_is_not_there_names_those_that_are(self) -> None:
        with pytest.raises(WrongUse, match='no node "mars"; the lab has: eu-honest, '):
            who_asks_whom(STATUS, "mars")

    def test_a_lab_that_does_not_run_is_said(self) -> None:
        with pytest.raises(WrongUse, match='no lab "mine" runs'):
            who_asks_whom(LabStatus(lab="mine"), "")

    def test_a_lab_without_resolvers_is_said(self) -> None:
        half = LabStatus(lab="mine", nodes=(node("users-us", "clients", "access-us"),))

        for source in ("", "users-us"):
            with pytest.raises(WrongUse, match='no resolver of lab "mine" is there'):
                who_asks_whom(half, source)


class TestExec:
    def test_the_words_and_the_status_are_the_commands_own(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        live = FakeLive()
        monkeypatch.setattr(nodes, "world", live.world)

        status = status_of(["exec", "--lab", "mine", "root", "--", "ls", "-l"])

        seen = capsys.readouterr()
        assert (status, seen.out, seen.err) == (7, "said\n", "aside\n")
        assert live.log == ["root ls -l"]


class TestFullName:
    def test_a_single_label_is_of_the_labs_zone(self) -> None:
        assert full_name("failover", "two-region") == "failover.example.com"

    @pytest.mark.parametrize("name", ["www.example.com", ".", "com."])
    def test_a_full_name_stays(self, name: str) -> None:
        assert full_name(name, "nowhere") == name


class TestReadable:
    def test_a_daemons_line_stands_with_time_and_name(self) -> None:
        line = json.dumps(
            {"t": 1_500_000_000, "kind": "log", "process": "bird", "line": "up"}
        )

        assert readable(line) == "      1.500000 bird: up"

    def test_what_the_node_says_itself_stands_with_its_facts(self) -> None:
        line = json.dumps({"t": 0, "kind": "ready", "condition": "a route"})

        assert readable(line) == "      0.000000 ready condition=a route"

    def test_replies_to_the_harness_are_left_out(self) -> None:
        assert readable('{"t": 0, "kind": "reply", "id": 1}') == ""

    @pytest.mark.parametrize("line", ["Traceback", "[1]", "{}", '"x"'])
    def test_any_other_line_stays_as_it_is(self, line: str) -> None:
        assert readable(line) == line

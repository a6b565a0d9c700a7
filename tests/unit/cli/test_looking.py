"""`lab routes` and `lab trace`, over a lab that says what it was given."""

from __future__ import annotations

import json

import pytest

from lab.cli import looking
from lab.cli.main import status_of
from lab.errors import CommandFailed
from lab.live.status import LabStatus, NodeStatus
from lab.report.journey import Hop
from tests.unit.cli.fakes import FakeLive

TABLE = """\
203.0.113.10/32  unicast [to_l4 12:00:00.000] * (100) [i]
\tvia 10.0.0.9 on eth0
                 unicast [to_l4_2 12:00:00.000] (100) [i]
\tvia 10.0.0.8 on eth0
198.51.100.0/24  unicast [to_transit_b 12:00:00.000] (100) [AS64497i]
\tvia 10.0.0.3 on eth0
\tBGP.as_path: 64501 64497
                 unicast [to_us_edge 12:00:00.000] * (100) [AS64496i]
\tvia 10.0.0.4 on eth1
\tBGP.as_path: 64496
\tBGP.local_pref: 100
"""
KERNEL = [
    {"dst": "10.0.0.0/26", "dev": "eth0"},
    {
        "dst": "203.0.113.10",
        "nexthops": [{"gateway": "10.0.0.9"}, {"gateway": "10.0.0.8"}],
    },
    {"dst": "198.51.100.0/24", "gateway": "10.0.0.4"},
]


def node(name: str, role: str, stem: str) -> NodeStatus:
    return NodeStatus(name=name, role=role, site="red", state="running", stem=stem)


STATUS = LabStatus(
    lab="mine",
    topology="two-region",
    profile="quick",
    nodes=(
        node("red-l7-1", "l7", "l4"),
        node("red-l7-2", "l7", "envoy"),
        node("root", "parent", "nsd"),
        node("transit-a", "transit", "bird"),
    ),
)
HOPS = (
    Hop(layer="stub", node="users-us", what="asks us-honest for rr.example.com"),
    Hop(layer="resolver", node="us-honest", what="unbound, honest: miss", took_ms=81.2),
    Hop(layer="router", node="access-us", what="to transit-a"),
    Hop(layer="router", node="transit-a", what="to us-east-edge"),
    Hop(layer="backend", node="us-east-be-1", what="status 200", took_ms=1.04),
)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> FakeLive:
    fake = FakeLive(found=STATUS, hops=HOPS)
    monkeypatch.setattr(looking, "world", fake.world)
    return fake


class TestRoutes:
    def test_prefixes_in_order_the_best_path_first_next_hops_by_name(
        self, live: FakeLive, capsys: pytest.CaptureFixture[str]
    ) -> None:
        live.said = {"status": 0, "stdout": TABLE, "stderr": ""}
        live.kernel = json.dumps(KERNEL)

        assert status_of(["routes", "transit-a", "--lab", "mine"]) == 0

        rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
        assert [row for row in rows if row] == [
            ["198.51.100.0/24", "best", "10.0.0.4", "64496", "100", "to_us_edge"],
            ["or", "transit-a", "64501", "64497", "to_transit_b"],
            ["203.0.113.10/32", "best", "10.0.0.9", "to_l4"],
            ["and", "10.0.0.8", "to_l4_2"],
        ]

    def test_as_json_every_path_with_its_attributes(
        self, live: FakeLive, capsys: pytest.CaptureFixture[str]
    ) -> None:
        live.said = {"status": 0, "stdout": TABLE, "stderr": ""}
        live.kernel = json.dumps(KERNEL)

        assert status_of(["routes", "transit-a", "--lab", "mine", "--json"]) == 0

        told = json.loads(capsys.readouterr().out)
        assert [path["as_path"] for path in told] == [[], [], [64501, 64497], [64496]]
        assert [path["best"] for path in told] == [True, False, False, True]
        assert [path["in_use"] for path in told] == [True, True, False, True]
        assert told[2]["next_hops"] == ["transit-a"]

    def test_an_l7_node_that_learns_its_ways_out_shows_them(
        self, live: FakeLive, capsys: pytest.CaptureFixture[str]
    ) -> None:
        live.said = {"status": 0, "stdout": TABLE, "stderr": ""}
        live.kernel = json.dumps(KERNEL)

        assert status_of(["routes", "red-l7-1", "--lab", "mine"]) == 0

        assert "198.51.100.0/24" in capsys.readouterr().out

    @pytest.mark.parametrize("node", ["root", "red-l7-2", "mars"])
    def test_what_is_no_router_is_refused_with_those_that_are(
        self, live: FakeLive, capsys: pytest.CaptureFixture[str], node: str
    ) -> None:
        assert status_of(["routes", node, "--lab", "mine"]) == 2

        told = capsys.readouterr().err
        assert f'no router "{node}"; the lab has: red-l7-1, transit-a' in told
        assert live.log == []

    @pytest.mark.parametrize(
        ("said", "error"),
        [
            ({"status": 1, "stdout": "", "stderr": "refused"}, None),
            ({}, CommandFailed("transit-a: run: TimeoutExpired")),
        ],
        ids=["dead", "hung"],
    )
    def test_a_bird_that_does_not_answer_is_said(
        self,
        live: FakeLive,
        capsys: pytest.CaptureFixture[str],
        said: dict[str, object],
        error: CommandFailed | None,
    ) -> None:
        live.said, live.execute_error = said, error

        assert status_of(["routes", "transit-a", "--lab", "mine"]) == 2

        assert "the BIRD of transit-a does not answer" in capsys.readouterr().err


class TestTrace:
    def test_each_layer_once_with_what_the_user_waited(
        self, live: FakeLive, capsys: pytest.CaptureFixture[str]
    ) -> None:
        args = ["trace", "users-us", "rr", "--by", "us-stale", "--lab", "mine"]

        assert status_of(args) == 0

        rows = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert live.log == ["trace rr by us-stale"]
        assert rows[0] == ["layer", "node", "what", "it", "did", "ms"]
        assert [row[0] for row in rows[1:6]] == [
            *("stub", "resolver", "router", "transit-a", "backend"),
        ]
        assert rows[-1] == ["the", "user", "waited", "82.2"]

    def test_as_json_one_value_per_hop(
        self, live: FakeLive, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert status_of(["trace", "users-us", "rr", "--lab", "mine", "--json"]) == 0

        told = json.loads(capsys.readouterr().out)
        assert told[1] == {
            "layer": "resolver",
            "node": "us-honest",
            "what": "unbound, honest: miss",
            "took_ms": 81.2,
        }

    def test_where_timers_may_differ_it_says_that_ages_are_left_out(
        self, live: FakeLive, capsys: pytest.CaptureFixture[str]
    ) -> None:
        live.exact = False

        assert status_of(["trace", "users-us", "rr", "--lab", "mine"]) == 0

        assert "other timers than two-region has: no ages" in capsys.readouterr().err

    def test_a_lab_that_suffers_says_so_beside_it(
        self, live: FakeLive, capsys: pytest.CaptureFixture[str]
    ) -> None:
        live.found = LabStatus(
            lab="mine",
            topology="two-region",
            profile="quick",
            nodes=STATUS.nodes,
            suffering={"us-east": "down"},
        )

        status_of(["trace", "users-us", "rr", "--lab", "mine"])

        assert capsys.readouterr().err.strip() == "us-east is down"

    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (["mars", "rr"], 'no clients "mars"'),
            (["users-us", "www"], 'no name "www"'),
            (["users-us", "rr", "--by", "mars"], 'cannot ask "mars"'),
        ],
    )
    def test_what_is_not_there_is_wrong_use(
        self,
        live: FakeLive,
        capsys: pytest.CaptureFixture[str],
        args: list[str],
        said: str,
    ) -> None:
        assert status_of(["trace", *args, "--lab", "mine"]) == 2

        assert said in capsys.readouterr().err
        assert live.log == []

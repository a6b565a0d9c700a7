from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from lab.cli import labs
from lab.cli.main import status_of
from lab.errors import EnvironmentUnfit
from lab.live import bootstrap
from lab.live.engine import Miscounted
from lab.live.status import LabStatus, NodeStatus
from lab.live.world import LiveWorld
from lab.scenario.model import FaultKind
from tests.unit.cli.fakes import FakeLive
from tests.unit.live.fake_fleet import small_fleet

Output = pytest.CaptureFixture[str]

WELL = NodeStatus(name="root", role="parent", site="transit-a", state="running")
DEAD = NodeStatus(
    name="us-east-edge",
    role="edge",
    site="us-east",
    state="running",
    down=("bird",),
    waiting=(("routes to 198.18.0.0/24", "[red] 0 of 1 paths"),),
)
GONE = NodeStatus(name="tld", role="parent", site="transit-b", state="exited")
FOUND = LabStatus(
    lab="mine",
    topology="two-region",
    profile="quick",
    nodes=(WELL, DEAD, GONE),
    suffering={"us-east": "down"},
)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> FakeLive:
    fake = FakeLive(found=FOUND)
    monkeypatch.setattr(labs, "world", fake.world)
    return fake


class TestUp:
    def test_the_lab_is_named_and_its_conditions_counted(
        self, live: FakeLive, capsys: Output
    ) -> None:
        assert status_of(["up", "minimal", "--lab", "mine"]) == 0

        seen = capsys.readouterr()
        assert live.log == ["up"]
        assert "lab mine is ready after" in seen.err
        assert seen.out == ""

    def test_a_topology_that_is_not_there_starts_nothing(
        self, live: FakeLive, capsys: Output
    ) -> None:
        assert status_of(["up", "atlantis"]) == 2

        assert live.log == []


class TestStatus:
    def test_each_node_says_what_is_not_well_with_it(
        self, live: FakeLive, capsys: Output
    ) -> None:
        assert status_of(["status", "--lab", "mine"]) == 0

        said = capsys.readouterr().out
        assert "bird does not run" in said
        assert "routes to 198.18.0.0/24: [red] 0 of 1 paths" in said
        assert "exited" in said
        assert "lab mine: topology two-region, profile quick, 1 of 3 nodes" in said
        assert "us-east is down; `lab fault restore us-east` brings it back" in said

    def test_json_goes_to_standard_output_alone(
        self, live: FakeLive, capsys: Output
    ) -> None:
        assert status_of(["status", "--lab", "mine", "--json"]) == 0

        seen = capsys.readouterr()
        said = json.loads(seen.out)
        assert said["ready"] is False
        assert [node["name"] for node in said["nodes"]] == [n.name for n in FOUND.nodes]
        assert said["suffering"] == {"us-east": "down"}
        assert seen.err == ""

    @pytest.mark.parametrize("form", [(), ("--json",)])
    def test_a_lab_that_does_not_run_is_said(
        self, form: tuple[str, ...], live: FakeLive, capsys: Output
    ) -> None:
        live.found = LabStatus(lab="mine")

        assert status_of(["status", "--lab", "mine", *form]) == 2

        seen = capsys.readouterr()
        assert 'no lab "mine" runs' in seen.err
        assert seen.out == ""


class TestFault:
    def test_there_is_a_word_for_every_kind_and_for_their_end(self) -> None:
        assert {*labs.FaultVerb} == {*FaultKind, "restore"}

    @pytest.mark.parametrize("kind", FaultKind)
    def test_each_kind_is_done_to_the_target(
        self, kind: str, live: FakeLive, capsys: Output
    ) -> None:
        assert status_of(["fault", kind, "us-east", "--lab", "mine"]) == 0

        assert live.log == ["attach", f"{kind} us-east"]
        said = f"{kind} of us-east took effect, to within 1.5 ms\n"
        assert capsys.readouterr().out == said

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["lossy", "long-haul", "--loss", "0.3"], "lossy long-haul loss 0.3"),
            (["slow", "long-haul", "--extra-ms", "50"], "slow long-haul extra_ms 50"),
        ],
    )
    def test_how_much_it_is_is_told(
        self, words: list[str], told: str, live: FakeLive
    ) -> None:
        assert status_of(["fault", *words, "--lab", "mine"]) == 0

        assert live.log == ["attach", told]

    def test_what_is_restored_is_back(self, live: FakeLive, capsys: Output) -> None:
        assert status_of(["fault", "restore", "us-east", "--lab", "mine"]) == 0

        assert live.log == ["attach", "undo us-east"]
        said = "us-east is back: every condition holds again\n"
        assert capsys.readouterr().out == said

    def test_who_suffers_still_is_said(self, live: FakeLive, capsys: Output) -> None:
        assert status_of(["fault", "restore", "provider-a", "--lab", "mine"]) == 0

        assert capsys.readouterr().out == (
            "provider-a is restored; conditions wait for the rest: us-east is down\n"
        )

    def test_the_help_tells_every_form_of_a_target(self, capsys: Output) -> None:
        assert status_of(["fault", "--help"]) == 0

        said = capsys.readouterr().out
        for form in ("NODE/PROCESS", "a+b", "us-east-l4-1/bird", "L4"):
            assert form in said


class TestFaultRefused:
    """By a small lab whose nodes obey: what is asked of it cannot be."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        """What its nodes were told to do."""
        with small_fleet() as (fleet, _, log):
            live = LiveWorld(fleet._engine, "mine")
            live._fleet = fleet
            monkeypatch.setattr(live, "attach", lambda: None)
            monkeypatch.setattr(labs, "world", lambda _: nullcontext(live))
            yield log

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("crash atlantis", 'no target "atlantis"; the lab has: regions blue, red;'),
            ("isolate atlantis-uplink", "links access-uplink, red-uplink; nodes"),
            ("restore atlantis", 'no target "atlantis"; the lab has: regions blue'),
            ("crash users", '"users" looks on, and a fault there would be the meas'),
            ("isolate access-lan", 'no target "access-lan"; the lab has: regions'),
            ("restore red", '"red" suffers from no fault; nothing does'),
            ("restore red-uplink", '"red-uplink" suffers from no fault; nothing'),
            ("drain provider", "cannot suffer drain; it can: crash, hang, power-off"),
            ("crash red-uplink", "cannot suffer crash; it can: isolate, lossy; crash"),
            ("one-way red-uplink", "one-way is for: access-uplink:access, access-up"),
            ("slow red-uplink --extra-ms 5", "slow is for: access-uplink (without"),
            ("slow access-uplink", "slow needs extra_ms: more than 0, at most 1000;"),
            ("slow access-uplink --extra-ms 2000", "at most 1000; not 2000"),
            ("lossy red-uplink --loss 30", "lossy needs loss: more than 0, at most 0"),
            ("crash red --loss 0.3", "crash has no loss; lossy has"),
            ("restore red --extra-ms 5", "restore undoes all of a fault"),
        ],
    )
    def test_it_is_wrong_use_that_names_what_can_be(
        self, words: str, said: str, small: list[str], capsys: Output
    ) -> None:
        assert status_of(["fault", *words.split(), "--lab", "mine"]) == 2

        seen = capsys.readouterr()
        assert said in seen.err
        assert seen.out == ""
        assert small == []

    @pytest.mark.parametrize(
        ("first", "words", "said"),
        [
            (
                "crash red",
                "crash red-be-1",
                '"red-be-1" is down already: `lab fault restore red-be-1` first, or '
                "strike what is well: blue, provider, access, blue-be-1",
            ),
            (
                "crash red",
                "restore blue",
                '"blue" suffers from no fault; red is down',
            ),
            (
                "one-way red-uplink:red-edge",
                "isolate red-uplink",
                '"red-uplink:red-edge" is lost one way already',
            ),
            (
                "lossy red-uplink --loss 0.3",
                "lossy red-uplink --loss 0.5",
                '"red-uplink" is losing 30 % of its packets already',
            ),
            (
                "crash red-l4-1/announcer",
                "restore red-l4-1/envoy",
                '"red-l4-1/envoy" suffers from no fault; red-l4-1/announcer is down',
            ),
            (
                "power-off red-l4-1",
                "restore red-l4-1/announcer",
                '"red-l4-1/announcer" with it: `lab fault restore red-l4-1`',
            ),
        ],
    )
    def test_what_suffers_already_is_not_hit_again(
        self, first: str, words: str, said: str, small: list[str], capsys: Output
    ) -> None:
        assert status_of(["fault", *first.split(), "--lab", "mine"]) == 0
        done = list(small)

        assert status_of(["fault", *words.split(), "--lab", "mine"]) == 2

        assert said in capsys.readouterr().err
        assert small == done


class TestDown:
    def test_without_an_engine_there_is_nothing_to_remove(
        self, monkeypatch: pytest.MonkeyPatch, capsys: Output
    ) -> None:
        monkeypatch.setattr(bootstrap, "look", lambda: "no engine")

        assert status_of(["down"]) == 0
        assert "no lab does" in capsys.readouterr().out

    def test_all_stops_the_engine_that_the_lab_started(
        self, monkeypatch: pytest.MonkeyPatch, capsys: Output
    ) -> None:
        monkeypatch.setattr(bootstrap, "look", lambda: "no engine")
        monkeypatch.setattr(bootstrap, "stop_engine_if_ours", lambda: "stopped [it]")

        assert status_of(["down", "--all"]) == 0
        assert capsys.readouterr().out == "stopped [it]\n"

    @pytest.mark.parametrize(
        ("arguments", "ours", "status"),
        [(["--all"], True, 0), (["--all"], False, 70), ([], True, 70)],
    )
    def test_all_restarts_an_engine_of_ours_that_counts_wrongly(
        self,
        arguments: list[str],
        ours: bool,
        status: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: Output,
    ) -> None:
        restarted: list[bool] = []

        def remove(lab: str, *, every: bool) -> int:
            if not restarted:
                raise Miscounted("the engine keeps mine-core")
            return 3

        def restart(tell: object) -> bool:
            restarted.extend([True] * ours)
            return ours

        info = bootstrap.EngineInfo(version="20", api_version="1", machine="x")
        monkeypatch.setattr(bootstrap, "look", lambda: info)
        monkeypatch.setattr(bootstrap, "restart_engine_if_ours", restart)
        monkeypatch.setattr(bootstrap, "stop_engine_if_ours", lambda: "")
        monkeypatch.setattr(labs, "_remove", remove)

        assert status_of(["down", *arguments]) == status
        told = capsys.readouterr()
        assert ("removed 3" in told.out) == (status == 0)
        assert ("keeps mine-core" in told.err) == (status != 0)


class TestWithoutAnEngine:
    COMMANDS = (
        ["up", "minimal"],
        ["status"],
        ["status", "--lab", "mine"],
        ["exec", "root", "--", "true"],
        ["logs", "root"],
        ["dig", "failover"],
        ["routes", "transit-a"],
        ["fault", "crash", "us-east"],
        ["run", "region-kill"],
        ["build"],
    )

    # The SDK leaves the socket of a failed connection to the collector.
    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_the_environment_is_unfit(
        self,
        command: list[str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: Output,
        tmp_path: Path,
    ) -> None:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
        monkeypatch.delenv("LAB_NAME", raising=False)

        assert status_of(command) == EnvironmentUnfit.exit_status == 3
        gc.collect()

        seen = capsys.readouterr()
        assert seen.out == ""
        assert "container engine" in seen.err
        assert "Traceback" not in seen.err

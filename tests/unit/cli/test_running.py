from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.cli import labs, running
from lab.cli.main import status_of
from lab.errors import NotReady
from lab.store import load
from tests.unit.cli.fakes import FakeLive
from tests.unit.report.stories import Story, broken, power_off, unseen

Output = pytest.CaptureFixture[str]
RUN = ["run", "region-kill", "--lab", "mine"]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(running, "runs_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def live(runs: Path, monkeypatch: pytest.MonkeyPatch) -> FakeLive:
    fake = FakeLive(history=power_off().history)
    for module in (labs, running):
        monkeypatch.setattr(module, "world", fake.world)
    return fake


class TestVerdict:
    @pytest.mark.parametrize(
        ("told", "status"), [(power_off(), 0), (broken(), 1), (unseen(), 4)]
    )
    def test_the_status_is_the_verdict(
        self, live: FakeLive, told: Story, status: int
    ) -> None:
        live.history = told.history

        assert status_of(RUN) == status

    def test_the_run_is_kept_with_its_page(self, live: FakeLive, runs: Path) -> None:
        status_of(RUN)

        kept = load(runs, "latest")
        assert kept.result.state == "judged"
        assert kept.history == power_off().history
        assert (kept.folder / "report.html").is_file()


class TestOutput:
    def test_json_goes_to_standard_output_alone(
        self, live: FakeLive, capsys: Output
    ) -> None:
        status_of([*RUN, "--json"])

        seen = capsys.readouterr()
        said = json.loads(seen.out)
        assert (said["state"], said["verdict"]) == ("judged", "ok")
        assert "lab mine is ready" in seen.err

    def test_text_goes_there_otherwise(self, live: FakeLive, capsys: Output) -> None:
        status_of(RUN)

        assert "As expected" in capsys.readouterr().out


class TestLab:
    def test_one_is_brought_up_and_stays(self, live: FakeLive) -> None:
        status_of(RUN)

        assert live.log == ["up", "attach", "run"]

    def test_one_that_runs_can_be_used(self, live: FakeLive) -> None:
        status_of([*RUN, "--attach"])

        assert live.log == ["attach", "run"]

    def test_one_can_be_removed_afterwards(self, live: FakeLive) -> None:
        status_of([*RUN, "--no-keep"])

        assert live.log == ["up", "attach", "run", "down"]


class TestEndedEarly:
    def test_an_interrupted_run_is_kept_as_far_as_it_got(
        self, live: FakeLive, runs: Path, capsys: Output
    ) -> None:
        live.run_error = KeyboardInterrupt()

        assert status_of(RUN) == 130

        kept = load(runs, "latest")
        seen = capsys.readouterr()
        assert kept.result.state == "interrupted"
        assert kept.history == power_off().history
        assert f"the run as far as it got: {kept.folder}" in seen.err
        assert "`lab down` removes what runs" in seen.err
        assert seen.out == ""

    def test_a_lab_that_breaks_is_no_verdict(
        self, live: FakeLive, runs: Path, capsys: Output
    ) -> None:
        live.run_error = NotReady("transit-a: no BGP session")

        assert status_of(RUN) == 70

        assert load(runs, "latest").result.state == "broken"
        assert "error: transit-a: no BGP session" in capsys.readouterr().err

    def test_the_lab_is_removed_then_too(self, live: FakeLive) -> None:
        live.run_error = KeyboardInterrupt()

        status_of([*RUN, "--no-keep"])

        assert live.log[-1] == "down"

    def test_what_failed_first_is_said_first(
        self, live: FakeLive, capsys: Output
    ) -> None:
        live.run_error = NotReady("transit-a: no BGP session")
        live.down_error = NotReady("the engine is gone")

        status_of([*RUN, "--no-keep"])

        said = capsys.readouterr().err
        first, second = said.index("no BGP session"), said.index("the engine is gone")
        assert first < second
        assert "the lab could not be removed either" in said


@pytest.mark.usefixtures("live")
class TestLongStories:
    def test_are_announced(self, capsys: Output) -> None:
        status_of([*RUN, "--set", "ttl=3600", "--set", "clamp=3600"])

        assert "the story alone takes 1:" in capsys.readouterr().err

    def test_others_need_no_announcement(self, capsys: Output) -> None:
        status_of(RUN)

        assert "the story alone" not in capsys.readouterr().err

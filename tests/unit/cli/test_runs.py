from __future__ import annotations

import json
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from lab.cli import running
from lab.cli.main import status_of
from lab.report.result import ended_early
from lab.store import create, load, new_path
from tests.unit.report.stories import Story, before, broken, power_off, result, unseen

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(running, "runs_folder", lambda: tmp_path)
    return tmp_path


def store(runs: Path, told: Story, state: str = "judged") -> Path:
    path = new_path(runs, told.scenario)
    with create(path, told.topology, told.scenario) as folder:
        for record in (*told.history.events, *told.history.attempts):
            folder.append(record)
        match state:
            case "judged":
                folder.save_result(result(told))
            case "interrupted":
                early = ended_early(before(told.scenario), KeyboardInterrupt())
                folder.save_result(early)
            case _:
                folder.save_result(before(told.scenario))
    return path


class TestReport:
    @pytest.mark.parametrize(
        ("told", "status"), [(power_off, 0), (broken, 1), (unseen, 4)]
    )
    def test_the_status_is_the_verdict(
        self, runs: Path, told: object, status: int
    ) -> None:
        assert callable(told)
        store(runs, told())

        assert status_of(["report"]) == status

    def test_text_goes_to_standard_output(self, runs: Path, capsys: Output) -> None:
        store(runs, power_off())

        status_of(["report", "latest"])

        seen = capsys.readouterr()
        assert "As expected" in seen.out
        assert "report.html" in seen.err

    def test_json_goes_to_standard_output_alone(
        self, runs: Path, capsys: Output
    ) -> None:
        path = store(runs, power_off())

        status_of(["report", path.name, "--json"])

        said = json.loads(capsys.readouterr().out)
        assert said == json.loads((path / "result.json").read_text())
        assert said["state"] == "judged"

    def test_the_page_and_the_junit_file_are_written(
        self, runs: Path, tmp_path: Path
    ) -> None:
        path, junit = store(runs, power_off()), tmp_path / "junit.xml"

        status_of(["report", "--junit", str(junit)])

        assert "<!doctype html>" in (path / "report.html").read_text("utf-8")
        assert fromstring(junit.read_text("utf-8")).tag == "testsuite"

    def test_an_interrupted_run_stays_one(self, runs: Path) -> None:
        path = store(runs, power_off(), "interrupted")

        status_of(["report"])

        assert load(runs, str(path)).result.state == "interrupted"

    def test_a_run_that_is_not_over_is_not_touched(
        self, runs: Path, capsys: Output
    ) -> None:
        path = store(runs, power_off(), "running")
        text = (path / "result.json").read_text()

        status_of(["report"])

        assert (path / "result.json").read_text() == text
        assert "this run is not over" in capsys.readouterr().err

    def test_no_run_at_all_is_wrong_use(self, capsys: Output) -> None:
        assert status_of(["report"]) == 2

        assert 'no run "latest"' in capsys.readouterr().err


class TestRun:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["levitate"], 'no scenario "levitate"; there are: affinity, '),
            (["region-kill", "--topology", "atlantis"], "no topology"),
            (["region-kill", "--set", "fault=meteor"], "meteor"),
            (["region-kill", "--set", "gravity=1"], "gravity"),
            (["region-kill", "--set", "target=atlantis"], "atlantis"),
            (["region-kill", "--junit", "/nowhere/x.xml"], "no folder /nowhere"),
            (["region-kill", "--junit", "/tmp"], "is a directory"),
        ],
    )
    def test_what_is_wrong_is_said_before_anything_starts(
        self, arguments: list[str], said: str, runs: Path, capsys: Output
    ) -> None:
        assert status_of(["run", *arguments]) == 2

        assert said in capsys.readouterr().err
        assert list(runs.iterdir()) == []


class TestScenarios:
    def test_each_is_listed_with_its_questions(self, capsys: Output) -> None:
        assert status_of(["scenarios"]) == 0

        said = capsys.readouterr().out
        assert "region-kill" in said
        assert "Q4" in said

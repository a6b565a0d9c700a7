from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import WrongUse
from lab.judge.verdict import judge
from lab.report.result import ended_early
from lab.store import RunFolder, create, load, new_path
from tests.unit.report.stories import before, power_off, result


def started(runs: Path) -> RunFolder:
    told = power_off()
    folder = create(new_path(runs, told.scenario), told.topology, told.scenario)
    folder.save_result(before(told.scenario))
    return folder


def stored(runs: Path, *, attempts: int = 50) -> Path:
    told = power_off()
    with started(runs) as folder:
        for record in (*told.history.events, *told.history.attempts[:attempts]):
            folder.append(record)
        folder.save_result(result(told))
    return folder.path


class TestLoad:
    def test_a_run_is_judged_again_as_it_was(self, tmp_path: Path) -> None:
        told = power_off()
        stored(tmp_path, attempts=len(told.history.attempts))

        run = load(tmp_path, "latest")

        assert (run.topology, run.scenario) == (told.topology, told.scenario)
        assert run.history == told.history
        assert judge(run.topology, run.scenario, run.history) == told.verdict

    def test_by_latest_by_name_or_by_path(self, tmp_path: Path) -> None:
        first, second = stored(tmp_path), stored(tmp_path)

        assert load(tmp_path, "latest").folder == second
        assert load(tmp_path, first.name).folder == first
        assert load(tmp_path / "elsewhere", str(first)).folder == first

    def test_a_run_that_does_not_exist_names_those_that_do(
        self, tmp_path: Path
    ) -> None:
        path = stored(tmp_path)

        with pytest.raises(WrongUse, match=f'no run "old".*{path.name}'):
            load(tmp_path, "old")

    def test_the_first_run_is_still_to_be_made(self, tmp_path: Path) -> None:
        with pytest.raises(WrongUse, match="none yet; `lab run region-kill` makes one"):
            load(tmp_path, "latest")

    @pytest.mark.parametrize(
        "name", ["topology.json", "scenario.json", "events.jsonl", "attempts.jsonl"]
    )
    def test_a_missing_file_is_named(self, tmp_path: Path, name: str) -> None:
        (stored(tmp_path) / name).unlink()

        with pytest.raises(WrongUse, match=f"{name}: No such file"):
            load(tmp_path, "latest")

    @pytest.mark.parametrize(
        "name", ["result.json", "topology.json", "scenario.json", "attempts.jsonl"]
    )
    @pytest.mark.parametrize("text", ["{}\n", "[]\n", "nonsense\n", '{"is": 1}\n'])
    def test_a_foreign_file_is_named(
        self, tmp_path: Path, name: str, text: str
    ) -> None:
        (stored(tmp_path) / name).write_text(text)

        with pytest.raises(WrongUse, match=f"{name}.* was not written by this version"):
            load(tmp_path, "latest")

    def test_a_foreign_line_is_named(self, tmp_path: Path) -> None:
        journal = stored(tmp_path) / "events.jsonl"
        lines = journal.read_text().splitlines(keepends=True)
        journal.write_text("".join([*lines[:2], '{"kind":"unheard-of"}\n', *lines[2:]]))

        with pytest.raises(WrongUse, match=r"events\.jsonl:3 was not written"):
            load(tmp_path, "latest")

    def test_a_torn_last_line_does_not_count(self, tmp_path: Path) -> None:
        journal = stored(tmp_path, attempts=20) / "attempts.jsonl"
        text = journal.read_text()
        journal.write_text(text[:-10])

        run = load(tmp_path, "latest")

        assert len(run.history.attempts) == 19


class TestRunFolder:
    def test_a_run_that_begins_can_be_read(self, tmp_path: Path) -> None:
        with started(tmp_path):
            run = load(tmp_path, "latest")

        assert run.result.state == "running"
        assert run.history.attempts == ()

    def test_events_and_the_attempts_before_them_are_on_disk_at_once(
        self, tmp_path: Path
    ) -> None:
        history = power_off().history
        with started(tmp_path) as folder:
            folder.append(history.attempts[0])
            folder.append(history.events[0])

            run = load(tmp_path, "latest")

        assert run.history.attempts == history.attempts[:1]
        assert run.history.events == history.events[:1]

    def test_a_result_is_replaced_as_a_whole(self, tmp_path: Path) -> None:
        with started(tmp_path) as folder:
            folder.save_result(ended_early(before(power_off().scenario), OSError("x")))

        assert load(tmp_path, "latest").result.state == "broken"
        left = {p.name for p in folder.path.iterdir()}
        assert left == {
            "attempts.jsonl",
            "capture",
            "events.jsonl",
            "result.json",
            "scenario.json",
            "topology.json",
        }

    def test_the_report_stands_beside_the_result(self, tmp_path: Path) -> None:
        with started(tmp_path) as folder:
            folder.save_report("<p>recovery · 0.6 s</p>")

        assert (folder.path / "report.html").read_text("utf-8") == (
            "<p>recovery · 0.6 s</p>"
        )


class TestNewPath:
    def test_sorts_by_time_and_names_the_scenario(self, tmp_path: Path) -> None:
        scenario = power_off().scenario

        first, second = new_path(tmp_path, scenario), new_path(tmp_path, scenario)

        assert first.name < second.name
        assert first.name.endswith("Z-region-kill")
        assert not first.exists()

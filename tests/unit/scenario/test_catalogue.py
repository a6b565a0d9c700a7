"""Rules of finding scenario files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import InvalidInput, WrongUse
from lab.scenario.catalogue import find, load_catalogue
from tests.about_dns import ARGUMENTS, TESTS
from tests.unit import worlds

GOOD = """
from dataclasses import dataclass
from lab.scenario.catalogue import ScenarioFile

@dataclass(frozen=True)
class Knobs:
    pass

SCENARIO = ScenarioFile(
    name="quiet", title="Nothing happens", questions=(), topology="minimal",
    knobs=Knobs, build=lambda topology, knobs: None,
)
"""


class TestLoadCatalogue:
    def test_finds_the_scenarios_of_the_project_on_existing_topologies(self) -> None:
        catalogue = load_catalogue(worlds.ROOT / "scenarios")

        assert "region-kill" in catalogue
        for scenario in catalogue.values():
            assert (worlds.ROOT / f"topologies/{scenario.topology}.yaml").is_file()

    @pytest.mark.parametrize("number", range(1, 17))
    def test_answers_every_question_of_the_subject(self, number: int) -> None:
        catalogue = load_catalogue(worlds.ROOT / "scenarios")

        assert any(f"Q{number}" in told.questions for told in catalogue.values())

    def test_those_about_dns_are_what_pytest_runs_for_them(self) -> None:
        argv = [sys.executable, "-m", "pytest", "-q", "--collect-only", *ARGUMENTS]
        told = subprocess.run(
            argv, cwd=worlds.ROOT, check=True, capture_output=True, text=True
        )

        assert sorted(told.stdout.split("\n\n")[0].split()) == sorted(TESTS)

    def test_names_a_file_that_registers_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "empty.py").write_text("x = 1\n")

        with pytest.raises(InvalidInput, match=r"empty\.py: registers no scenario"):
            load_catalogue(tmp_path)

    def test_names_file_and_line_of_a_syntax_error(self, tmp_path: Path) -> None:
        (tmp_path / "torn.py").write_text("x = 1\ndef (\n")

        with pytest.raises(InvalidInput, match=r"torn\.py:2: "):
            load_catalogue(tmp_path)

    def test_tells_every_bad_file_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("raise RuntimeError('no')\n")
        (tmp_path / "b.py").write_text("")

        with pytest.raises(InvalidInput) as caught:
            load_catalogue(tmp_path)

        assert len(caught.value.problems) == 2
        assert "RuntimeError('no')" in str(caught.value)

    def test_refuses_a_name_twice(self, tmp_path: Path) -> None:
        (tmp_path / "one.py").write_text(GOOD)
        (tmp_path / "two.py").write_text(GOOD)

        with pytest.raises(InvalidInput, match='"quiet" is registered twice'):
            load_catalogue(tmp_path)


class TestFind:
    def test_lists_what_there_is(self) -> None:
        catalogue = load_catalogue(worlds.ROOT / "scenarios")

        with pytest.raises(
            WrongUse, match=r'no scenario "x"; there are: .*region-kill'
        ):
            find(catalogue, "x")

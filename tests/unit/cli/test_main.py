from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import typer

from lab.cli import main
from lab.errors import (
    CommandFailed,
    EnvironmentUnfit,
    InvalidInput,
    LabError,
    NotReady,
    Problem,
    WrongUse,
)


@pytest.fixture(autouse=True)
def details(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that keeps the details of a harness fault."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def raising(error: BaseException) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    def only() -> None:
        raise error

    return app


class TestStatusOf:
    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (InvalidInput((Problem(what="wrong"),)), 2),
            (WrongUse("no such run"), 2),
            (EnvironmentUnfit("no engine"), 3),
            (NotReady("transit-a"), 70),
            (CommandFailed("birdc"), 70),
            (LabError("some"), 70),
            (RuntimeError("a bug"), 70),
            (KeyboardInterrupt(), 130),
            (typer.Exit(1), 1),
            (typer.Exit(4), 4),
        ],
    )
    def test_each_end_has_its_status(
        self, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int
    ) -> None:
        monkeypatch.setattr(main, "app", raising(error))

        assert main.status_of([]) == status

    def test_every_error_of_the_lab_has_a_status_of_the_design(self) -> None:
        def below(kind: type[LabError]) -> set[type[LabError]]:
            return {kind}.union(*(below(k) for k in kind.__subclasses__()))

        assert {kind.exit_status for kind in below(LabError)} == {2, 3, 70}

    def test_a_good_end_is_0(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main.status_of(["schema"]) == 0

    def test_usage_errors_are_2(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main.status_of(["levitate"]) == 2
        assert main.status_of(["fault", "meteor", "us-east"]) == 2
        assert main.status_of(["run", "region-kill", "--profile", "slow"]) == 2
        assert "Traceback" not in capsys.readouterr().err


class TestWords:
    def test_an_error_is_one_message_and_no_traceback(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(main, "app", raising(WrongUse('no run "x" [red]')))

        main.status_of([])

        seen = capsys.readouterr()
        assert (seen.out, seen.err) == ("", 'error: no run "x" [red]\n')

    def test_mistakes_are_counted_and_shown_with_their_places(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        problems = tuple(
            Problem(what="wrong", allowed="right", file="a.yaml", line=n, column=1)
            for n in (3, 4)
        )
        monkeypatch.setattr(main, "app", raising(InvalidInput(problems)))

        main.status_of([])

        assert capsys.readouterr().err == (
            "2 mistakes:\n"
            "a.yaml:3:1: wrong\n    allowed: right\n"
            "a.yaml:4:1: wrong\n    allowed: right\n"
        )

    def test_notes_of_an_error_are_told(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        error = WrongUse("first")
        error.add_note("the lab could not be removed either")
        monkeypatch.setattr(main, "app", raising(error))

        main.status_of([])

        assert "could not be removed either" in capsys.readouterr().err

    def test_a_bug_keeps_its_traceback_in_a_file(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        details: Path,
    ) -> None:
        monkeypatch.setattr(main, "app", raising(RuntimeError("a bug")))

        main.status_of([])

        said = capsys.readouterr().err
        assert "fault of the harness: RuntimeError: a bug" in said
        assert "Traceback" not in said
        kept = Path(said.split("the details are in ")[1].strip())
        assert kept.parent == details
        assert "Traceback" in kept.read_text()

    def test_an_interruption_says_how_to_clean_up(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(main, "app", raising(KeyboardInterrupt()))

        main.status_of([])

        assert "`lab down` removes what runs" in capsys.readouterr().err


class TestHelp:
    COMMANDS = (
        *("doctor", "build", "up", "status", "down", "exec", "logs", "dig", "routes"),
        "trace",
        *("fault", "scenarios", "run", "report", "validate", "schema", "export"),
    )

    def test_lists_every_command_in_one_line(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main.status_of(["--help"])

        said = capsys.readouterr().out
        for command in self.COMMANDS:
            assert f"\n  {command} " in said
        assert "..." not in said.partition("Commands:")[2]

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_explains_itself(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main.status_of([command, "--help"]) == 0

        assert f"Usage: lab {command}" in capsys.readouterr().out

    def test_waits_for_no_library_that_it_does_not_need(self) -> None:
        code = (
            "import sys, lab.cli.main;"
            "print([m for m in ('pydantic', 'docker', 'plotly', 'jinja2', 'dns')"
            " if m in sys.modules])"
        )

        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

        assert done.stdout == "[]\n"

"""Runs on disk: saved in phases, read back to be judged again.

`runs/<UTC time>-<scenario>/` holds `result.json`, `topology.json`, `scenario.json`,
`events.jsonl`, `attempts.jsonl`, `capture/` and, once judged, `report.html`;
`runs/latest` leads to the newest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from lab.errors import WrongUse
from lab.history import (
    Attempt,
    Event,
    History,
    attempt_from_json,
    event_from_json,
    record_to_json,
)
from lab.report.result import Result
from lab.scenario.codec import scenario_from_json, scenario_to_json
from lab.scenario.model import Scenario
from lab.topology.model import Topology

_LATEST = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as it was stored."""

    folder: Path
    result: Result
    topology: Topology
    scenario: Scenario
    history: History


class RunFolder:
    """A run that is being written; a context manager that closes its journals."""

    def __init__(self, path: Path) -> None:
        """Write to a folder that `create` has made."""
        self.path = path
        with ExitStack() as stack:
            self._events = stack.enter_context((path / "events.jsonl").open("a"))
            self._attempts = stack.enter_context((path / "attempts.jsonl").open("a"))
            self._close = stack.pop_all().close

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the journals."""
        self._close()

    def append(self, record: Event | Attempt) -> None:
        """Journal one record; events reach the disk at once, attempts soon."""
        if isinstance(record, Event):
            self._events.write(record_to_json(record) + "\n")
            self._events.flush()
            self._attempts.flush()
        else:
            self._attempts.write(record_to_json(record) + "\n")

    def save_result(self, result: Result) -> None:
        """Replace `result.json` in one step."""
        _replace(self.path / "result.json", result.model_dump_json(indent=2))

    def save_report(self, html: str) -> None:
        """Replace `report.html` in one step."""
        _replace(self.path / "report.html", html)


def create(runs: Path, topology: Topology, scenario: Scenario) -> RunFolder:
    """Make a folder for a run about to begin, and let `latest` lead to it."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = runs / f"{stamp}-{scenario.name}"
    (path / "capture").mkdir(parents=True)
    _replace(path / "topology.json", topology.model_dump_json(indent=2))
    _replace(path / "scenario.json", json.dumps(scenario_to_json(scenario), indent=2))
    link = runs / f".{_LATEST}-{os.getpid()}"
    link.symlink_to(path.name)
    link.replace(runs / _LATEST)
    return RunFolder(path)


def load(runs: Path, name: str) -> StoredRun:
    """Return a stored run, by the name of its folder, its path, or `latest`.

    Raises:
        WrongUse: There is none, or it is not whole.
    """
    folder = _find(runs, name)
    try:
        return StoredRun(
            folder=folder,
            result=Result.model_validate_json((folder / "result.json").read_text()),
            topology=Topology.model_validate_json(
                (folder / "topology.json").read_text()
            ),
            scenario=scenario_from_json(
                json.loads((folder / "scenario.json").read_text())
            ),
            history=_history(folder),
        )
    except OSError as error:
        raise WrongUse(f"{folder} is no whole run: {error.strerror}") from error
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise WrongUse(
            f"{folder} was not written by this version of the lab: {error}"
        ) from error


def _find(runs: Path, name: str) -> Path:
    for folder in (runs / name, Path(name)):
        if (folder / "result.json").is_file():
            return folder.resolve()
    stored = sorted(p.name for p in runs.glob("*Z-*") if p.is_dir())
    there_are = ", ".join(stored[-5:]) or "none yet; `lab run region-kill` makes one"
    raise WrongUse(f'no run "{name}"; the newest are: {there_are}')


def _history(folder: Path) -> History:
    events = [event_from_json(line) for line in _lines(folder / "events.jsonl")]
    attempts = [attempt_from_json(line) for line in _lines(folder / "attempts.jsonl")]
    return History(
        events=tuple(sorted(events, key=lambda e: e.at_ns)),
        attempts=tuple(sorted(attempts, key=lambda a: a.start_ns)),
    )


def _lines(path: Path) -> Iterator[str]:
    """Yield the complete lines: the last one of a killed harness may be torn."""
    with path.open() as file:
        for line in file:
            if line.endswith("\n"):
                yield line


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)

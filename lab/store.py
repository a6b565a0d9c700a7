"""Runs on disk: saved in phases, read back to be judged again.

`runs/<UTC time>-<scenario>/` holds `result.json`, `topology.json`, `scenario.json`,
`events.jsonl`, `attempts.jsonl`, `capture/` and, once judged, `report.html`;
`runs/latest` leads to the newest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from lab.errors import WrongUse
from lab.history import (
    Attempt,
    Event,
    History,
    attempt_from_json,
    event_from_json,
    history_of,
    record_to_json,
)
from lab.report.result import Result, unjudged
from lab.scenario.codec import scenario_from_json, scenario_to_json
from lab.scenario.model import Scenario
from lab.topology.model import Topology

T = TypeVar("T")

_LATEST = "latest"
#: What the parsers raise; pydantic's ValidationError is a ValueError.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as it was stored; `result` without what judging says anew."""

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


def new_path(runs: Path, scenario: Scenario) -> Path:
    """Return the path of a run about to begin; nothing is made."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return runs / f"{stamp}-{scenario.name}"


def create(path: Path, topology: Topology, scenario: Scenario) -> RunFolder:
    """Make a run's folder, and let `latest` beside it lead to it."""
    (path / "capture").mkdir(parents=True)
    _replace(path / "topology.json", topology.model_dump_json(indent=2))
    _replace(path / "scenario.json", json.dumps(scenario_to_json(scenario), indent=2))
    link = path.with_name(f".{_LATEST}-{os.getpid()}")
    link.symlink_to(path.name)
    link.replace(path.with_name(_LATEST))
    return RunFolder(path)


def load(runs: Path, name: str) -> StoredRun:
    """Return a stored run, by the name of its folder, its path, or `latest`.

    A run that is not over, or was ended early, has the history it came to.

    Raises:
        WrongUse: There is none, it is not whole, or another version wrote it.
    """
    folder = _find(runs, name)
    try:
        return StoredRun(
            folder=folder,
            result=_parsed(folder / "result.json", unjudged),
            topology=_parsed(folder / "topology.json", Topology.model_validate_json),
            scenario=_parsed(folder / "scenario.json", _scenario),
            history=history_of(
                [
                    *_records(folder / "events.jsonl", event_from_json),
                    *_records(folder / "attempts.jsonl", attempt_from_json),
                ]
            ),
        )
    except OSError as error:
        raise WrongUse(
            f"{folder} is no whole run: {error.filename}: {error.strerror}"
        ) from error


def _scenario(text: str) -> Scenario:
    return scenario_from_json(json.loads(text))


def _parsed(file: Path, parse: Callable[[str], T]) -> T:
    text = file.read_text(encoding="utf-8")
    with _of_this_version(str(file)):
        return parse(text)


def _find(runs: Path, name: str) -> Path:
    for folder in (runs / name, Path(name)):
        if (folder / "result.json").is_file():
            return folder.resolve()
    stored = sorted(p.name for p in runs.glob("*Z-*") if p.is_dir())
    there_are = ", ".join(stored[-5:]) or "none yet; `lab run region-kill` makes one"
    raise WrongUse(f'no run "{name}"; the newest are: {there_are}')


def _records(journal: Path, parse: Callable[[str], T]) -> Iterator[T]:
    """Yield the records of a journal.

    The last line, which a killed harness may have torn, counts only if it is whole.
    """
    with journal.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith("\n"):
                break
            with _of_this_version(f"{journal}:{number}"):
                record = parse(line)
            yield record


@contextmanager
def _of_this_version(place: str) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        reason = str(error).split("\n")[0]
        raise WrongUse(
            f"{place} was not written by this version of the lab: {reason}"
        ) from error


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)

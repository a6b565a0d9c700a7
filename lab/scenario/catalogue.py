"""The scenario files of a folder, found by name.

A scenario file is a Python file that registers itself by one module-level constant:

    SCENARIO = ScenarioFile(name=…, title=…, questions=(…), topology=…, knobs=Knobs,
                            build=build)

Reading the folder is the only thing here that touches the world outside.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from lab.errors import InvalidInput, Problem, WrongUse
from lab.scenario.model import Scenario
from lab.topology.model import Topology

K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFile(Generic[K]):
    """What a scenario file registers.

    Attributes:
        name: As in `lab run NAME`.
        title: One sentence for a reader.
        questions: Questions of the subject it answers (`Q4`).
        topology: Topology it is made for; another one may be asked for.
        knobs: Frozen dataclass of the values a person may set, each one an
            `Annotated[kind, Knob(…)]` with a default.
        build: Pure function of a topology and knobs; raises `InvalidInput` if a knob
            does not fit the topology.
        variants: Settings (`fault=crash`) with which `pytest scenarios/` runs it too.
    """

    name: str
    title: str
    questions: tuple[str, ...]
    topology: str
    knobs: type[K]
    build: Callable[[Topology, K], Scenario]
    variants: tuple[str, ...] = ()


Catalogue = Mapping[str, ScenarioFile[Any]]


def load_catalogue(folder: Path) -> Catalogue:
    """Return all scenarios of a folder, by name.

    Raises:
        InvalidInput: With every file that cannot be read or registers nothing.
    """
    found: dict[str, ScenarioFile[Any]] = {}
    problems: list[Problem] = []
    for path in sorted(set(folder.glob("*.py")) - {folder / "conftest.py"}):
        try:
            scenario = load_file(path)
        except InvalidInput as error:
            problems += error.problems
            continue
        if scenario.name in found:
            what = f'scenario "{scenario.name}" is registered twice'
            problems.append(Problem(what=what, file=str(path)))
        found[scenario.name] = scenario
    if problems:
        raise InvalidInput(tuple(problems))
    return found


def load_file(path: Path) -> ScenarioFile[Any]:
    """Return what one scenario file registers.

    Raises:
        InvalidInput: It does not run, or registers nothing.
    """
    registered = getattr(_module(path), "SCENARIO", None)
    if not isinstance(registered, ScenarioFile):
        what = "registers no scenario"
        allowed = "a module-level SCENARIO = ScenarioFile(…)"
        raise InvalidInput((Problem(what=what, allowed=allowed, file=str(path)),))
    return registered


def find(catalogue: Catalogue, name: str) -> ScenarioFile[Any]:
    """Return the scenario of that name.

    Raises:
        WrongUse: There is none; the message lists those there are.
    """
    if name not in catalogue:
        there_are = ", ".join(sorted(catalogue)) or "none"
        raise WrongUse(f'no scenario "{name}"; there are: {there_are}')
    return catalogue[name]


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scenarios.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InvalidInput((Problem(what="is no Python file", file=str(path)),))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        problem = Problem(what=error.msg, file=str(path), line=error.lineno or 0)
        raise InvalidInput((problem,)) from error
    except Exception as error:  # a person's file may do anything
        problem = Problem(what=f"does not load: {error!r}", file=str(path))
        raise InvalidInput((problem,)) from error
    return module

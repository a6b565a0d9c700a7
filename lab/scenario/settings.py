"""`--set KEY=VALUE`: which settings belong to a scenario and which to its topology.

Pure. A scenario's knobs are the fields of a frozen dataclass; every timer of the
topology can be set too, by the names that `lab.topology.profiles` knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from lab.errors import InvalidInput, Problem
from lab.scenario.catalogue import ScenarioFile
from lab.topology import profiles
from lab.topology.model import Topology

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Knob:
    """What a field of a knobs dataclass is for: `age_s: Annotated[float, Knob("…")]`.

    Attributes:
        help: One line for `lab scenarios`.
        minimum: Least value of a number.
        maximum: Greatest value of one.
        words: Those allowed of a closed set; all of them if empty.
    """

    help: str
    minimum: float | None = None
    words: tuple[str, ...] = ()
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Generic[K]):
    """What a person set: timers, for `with_timers`, and all knobs."""

    timers: Mapping[str, str]
    knobs: K


def knob_texts(knobs: object) -> tuple[tuple[str, str], ...]:
    """Return every knob with its value, as text."""
    return tuple(
        (f.name, _text(getattr(knobs, f.name)))
        for f in fields(knobs)  # type: ignore[arg-type]  # any dataclass will do
    )


def read_settings(scenario: ScenarioFile[K], settings: Sequence[str]) -> Settings[K]:
    """Split `KEY=VALUE` settings into timers and knobs.

    Raises:
        InvalidInput: With every unknown key and every bad value.
    """
    hints = get_type_hints(scenario.knobs, include_extras=True)
    timers: dict[str, str] = {}
    knobs: dict[str, Any] = {}
    problems = []
    for setting in settings:
        key, separator, value = setting.partition("=")
        try:
            if not separator:
                raise _Refused(f'"{setting}" sets nothing', "KEY=VALUE")
            if key in timers or key in knobs:
                raise _Refused(f'"{key}" is set twice', "each key once")
            if key in hints:
                knobs[key] = _knob_value(key, hints[key], value)
            elif profiles.is_setting(key):
                timers[key] = value
            else:
                allowed = ", ".join((*hints, *profiles.SETTINGS))
                raise _Refused(f'unknown knob "{key}"', allowed)
        except _Refused as refused:
            problems.append(refused.problem)
    if problems:
        raise InvalidInput(tuple(problems))
    return Settings(timers=timers, knobs=scenario.knobs(**knobs))


def with_timers(topology: Topology, timers: Mapping[str, str]) -> Topology:
    """Return the topology with these timers, exactly as set: no profile scales them.

    Raises:
        InvalidInput: With every value that the topology does not allow.
    """
    return profiles.override(topology, timers)


class _Refused(Exception):
    def __init__(self, what: str, allowed: str) -> None:
        super().__init__(what)
        self.problem = Problem(what=what, allowed=allowed)


def _knob_value(key: str, hint: Any, value: str) -> Any:
    kind, knob = get_args(hint)
    if issubclass(kind, StrEnum):
        allowed = knob.words or tuple(kind)
        if value not in allowed:
            raise _Refused(f'{key} is "{value}"', ", ".join(allowed))
        return kind(value)
    if not issubclass(kind, int | float):
        return value
    number = _number(key, value, kind)
    if knob.minimum is not None and number < knob.minimum:
        raise _Refused(f"{key} is {value}", f"{knob.minimum:g} or more")
    if knob.maximum is not None and number > knob.maximum:
        raise _Refused(f"{key} is {value}", f"{knob.maximum:g} or less")
    return number


def _number(key: str, value: str, kind: type[T]) -> T:
    try:
        return kind(value)  # type: ignore[call-arg]  # int and float take a text
    except ValueError:
        allowed = "a whole number" if kind is int else "a number"
        raise _Refused(f'{key} is "{value}"', allowed) from None


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

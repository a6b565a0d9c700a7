"""A scenario as JSON values and back, so that a stored run can be judged again. Pure.

Steps and expectations carry the name of their class as `is`.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from lab.scenario.model import Expectation, Scenario, Step

_TAG = "is"
_CLASSES: dict[str, Any] = {
    cls.__name__: cls for cls in (Scenario, *get_args(Step), *get_args(Expectation))
}
_TAGGED = ("steps", "expectations")


def scenario_to_json(scenario: Scenario) -> dict[str, Any]:
    """Return the scenario as JSON values."""
    raw: dict[str, Any] = to_jsonable_python(scenario)
    for name in _TAGGED:
        raw[name] = [
            {_TAG: type(x).__name__, **to_jsonable_python(x)}
            for x in getattr(scenario, name)
        ]
    return raw


def scenario_from_json(raw: dict[str, Any]) -> Scenario:
    """Return the scenario that `scenario_to_json` wrote.

    Raises:
        ValueError: It is no such thing.
    """
    known = dict(raw)
    for name in _TAGGED:
        known[name] = tuple(_untag(x) for x in raw[name])
    scenario: Scenario = _parse(Scenario.__name__, known)
    return scenario


def _untag(raw: dict[str, Any]) -> Step | Expectation:
    values = dict(raw)
    thing: Step | Expectation = _parse(values.pop(_TAG), values)
    return thing


def _parse(name: str, values: dict[str, Any]) -> Any:
    if name not in _CLASSES:
        raise ValueError(f"a scenario has no {name!r}")
    if strange := values.keys() - {f.name for f in fields(_CLASSES[name])}:
        raise ValueError(f"{name} has no {', '.join(sorted(strange))}")
    return _adapter(name).validate_python(values)


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_CLASSES[name])

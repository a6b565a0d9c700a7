"""A scenario as JSON values and back, so that a stored run can be judged again. Pure.

Steps and expectations carry the name of their class as `is`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

from pydantic import TypeAdapter

from lab.scenario.model import Expectation, Scenario, Step

_TAG = "is"
_CLASSES = {cls.__name__: cls for cls in (*get_args(Step), *get_args(Expectation))}
_TAGGED = ("steps", "expectations")


def scenario_to_json(scenario: Scenario) -> dict[str, Any]:
    """Return the scenario as JSON values."""
    raw = {f.name: _dump(getattr(scenario, f.name)) for f in fields(scenario)}
    for name in _TAGGED:
        raw[name] = [
            {_TAG: type(x).__name__, **_dump(x)} for x in getattr(scenario, name)
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
    return TypeAdapter(Scenario).validate_python(known)


def _dump(value: object) -> Any:
    return TypeAdapter(type(value)).dump_python(value, mode="json")


def _untag(raw: dict[str, Any]) -> Step | Expectation:
    values = dict(raw)
    name = values.pop(_TAG)
    if name not in _CLASSES:
        raise ValueError(f"a scenario has no {name!r}")
    thing: Step | Expectation = TypeAdapter(_CLASSES[name]).validate_python(values)
    return thing

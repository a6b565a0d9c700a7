"""What pydantic says of malformed data, in a person's words. Pure.

The words for what is allowed come from the JSON Schema of the same model, so they
cannot drift from what is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lab.topology.allowed import Schema, choices, described, keys, walk
from lab.topology.base import NAME_RULE
from lab.topology.draft import Draft
from lab.topology.finding import Finding, Path
from lab.topology.values import Prefix
from lab.topology.words import listing, meant, shown

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], data: Any) -> M:
    """Return `data` as a model, nothing converted that a person would not expect.

    By way of JSON: there pydantic's strict mode takes addresses and enumerations as
    text and lists as tuples, but no "20" for 20 and no `true` for 1.

    Raises:
        ValidationError: It is none.
    """
    return model.model_validate_json(json.dumps(data), strict=True)


def findings(model: type[BaseModel], data: Any) -> Iterator[Finding]:
    """Yield what keeps plain data from being a `model`; nothing when all is well."""
    try:
        validated(model, data)
    except ValidationError as error:
        schema = model.model_json_schema()
        for detail in error.errors():
            if not _follows_from_another(detail):
                yield _finding(detail, Draft(data), schema)


def _follows_from_another(detail: ErrorDetails) -> bool:
    """Tell a list that is too short only because its items are malformed."""
    too_short = detail["type"] == "too_short"
    return too_short and len(detail["input"]) >= detail["ctx"]["min_length"]


def _finding(detail: ErrorDetails, draft: Draft, schema: Schema) -> Finding:
    path, fragment = walk(detail["loc"], schema)
    value = detail["input"]
    if detail["loc"][-1:] == ("[key]",):
        what = f"{_label(draft, path[:-1])}: {shown(path[-1])} is no name"
        return Finding(path=path, what=what, allowed=NAME_RULE, at_key=True)
    match detail["type"]:
        case "missing":
            what = f"{_label(draft, path[:-1])} has no {path[-1]}"
        case "too_short" if not value:
            what = f"{_label(draft, path[:-1])} has no {path[-1]}"
        case "extra_forbidden":
            _, above = walk(detail["loc"][:-1], schema)
            return _unknown_key(draft, path, keys(above))
        case "union_tag_not_found" | "union_tag_invalid":
            return _no_policy(draft, path, value, choices(fragment))
        case _:
            what = f"{_label(draft, path)} is {shown(value)}{_without_host_bits(value)}"
    of_what = f" {path[-1]}" if "items" in fragment else ""
    return Finding(path=path, what=what, allowed=described(fragment) + of_what)


def _unknown_key(draft: Draft, path: Path, known: tuple[str, ...]) -> Finding:
    where, key = _label(draft, path[:-1]), path[-1]
    what = f"{where} has an unknown key {shown(key)}{meant(key, known)}"
    return Finding(path=path, what=what, allowed=listing(known), at_key=True)


def _no_policy(
    draft: Draft, path: Path, value: dict[str, Any], known: tuple[str, ...]
) -> Finding:
    policy = value.get("policy")
    if policy is None:
        what = f"{_label(draft, path)} has no policy"
    else:
        what = f"{_label(draft, path)}: policy is {shown(policy)}{meant(policy, known)}"
    return Finding(
        path=(*path, "policy"), what=what, allowed=f"one of {listing(known)}"
    )


def _without_host_bits(value: object) -> str:
    if not isinstance(value, str) or "/" not in value:
        return ""
    try:
        network = Prefix(value, strict=False)
    except ValueError:
        return ""
    return f'; did you mean "{network}"?'


def _label(draft: Draft, path: Path) -> str:
    """Return `region "eu-west"`, or `region "eu-west": asn` for a value in it."""
    rest = path[len(draft.subject_path(path)) :]
    words = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in rest)
    subject = draft.subject(path)
    return f"{subject}: {words.lstrip('.')}" if words else subject

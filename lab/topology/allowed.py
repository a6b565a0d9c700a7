"""A JSON Schema fragment in a person's words, and the way to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lab.topology.finding import Path
from lab.topology.words import listing

Schema = dict[str, Any]

_KINDS = {
    "boolean": "on or off, true or false",
    "ipv4": "an IPv4 address such as 198.51.100.1",
    "ipv4network": "an IPv4 prefix without host bits such as 198.51.100.0/24",
}


def walk(loc: Iterable[int | str], root: Schema) -> tuple[Path, Schema]:
    """Return where pydantic's `loc` is in the document, and its schema.

    A `loc` also names the chosen member of a union and marks mapping keys; neither is
    a step in the document.
    """
    path: Path = ()
    here = root
    for part in loc:
        if part == "[key]":
            break
        if part in _choices(here):
            here = _resolved(_choices(here)[str(part)], root)
            continue
        path = (*path, part)
        here = _resolved(_child(here, part), root)
    return path, here


def keys(fragment: Schema) -> tuple[str, ...]:
    """Return the keys that a mapping may have."""
    return tuple(fragment.get("properties", ()))


def choices(fragment: Schema) -> tuple[str, ...]:
    """Return the words that choose between the members of a union."""
    return tuple(_choices(fragment))


def described(fragment: Schema) -> str:
    """Return what values a fragment allows."""
    match fragment:
        case {"enum": words}:
            return f"one of {listing(words)}"
        case {"const": word}:
            return str(word)
        case {"type": "integer" | "number"}:
            return _number(fragment)
        case {"format": known} | {"type": known} if known in _KINDS:
            return _KINDS[known]
        case {"type": "array"}:
            return _list(fragment)
        case {"properties": properties}:
            return f"a mapping with the keys {', '.join(properties)}"
        case {"discriminator": {"propertyName": key}}:
            return f"a mapping with a {key}: {listing(choices(fragment))}"
        case {"type": "object"}:
            return "a mapping with at least one entry"
        case {"description": words}:
            return str(words)
    return ""


def _number(fragment: Schema) -> str:
    kind = "a whole number" if fragment["type"] == "integer" else "a number"
    low = fragment.get("minimum", fragment.get("exclusiveMinimum", -1) + 1)
    if "maximum" in fragment:
        return f"{kind} from {low} to {fragment['maximum']}"
    return f"{kind} from {low} on"


def _list(fragment: Schema) -> str:
    low, high = fragment.get("minItems", 0), fragment.get("maxItems")
    if high is None:
        return f"a list of {low} or more" if low else "a list"
    return f"a list of {low}" if low == high else f"a list of {low} to {high}"


def _choices(fragment: Schema) -> dict[str, str]:
    mapping: dict[str, str] = fragment.get("discriminator", {}).get("mapping", {})
    return mapping


def _child(fragment: Schema, part: int | str) -> Schema:
    if isinstance(part, int):
        listed: list[Schema] = fragment.get("prefixItems", [])
        items: Schema = fragment.get("items", {})
        return listed[part] if part < len(listed) else items
    properties: Schema = fragment.get("properties", {})
    by_pattern: Schema = fragment.get("patternProperties", {})
    found: Schema = properties.get(part) or next(iter(by_pattern.values()), {})
    return found


def _resolved(fragment: Schema | str, root: Schema) -> Schema:
    if isinstance(fragment, dict) and (given := _given(fragment)):
        return _resolved(given, root)
    reference = fragment if isinstance(fragment, str) else fragment.get("$ref", "")
    if not reference:
        return fragment if isinstance(fragment, dict) else {}
    found: Schema = root["$defs"][reference.rpartition("/")[2]]
    return found


def _given(fragment: Schema) -> Schema:
    """Return what a value that may be left out is like when it is given, or {}."""
    members: list[Schema] = fragment.get("anyOf", [])
    given = [member for member in members if member != {"type": "null"}]
    return given[0] if len(given) == 1 else {}

"""How values and choices look in a message to a person. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches

_LONG = 60


def shown(value: object) -> str:
    """Return a value as it stood in the file, text in quotes, nothing longer."""
    match value:
        case None:
            return "empty"
        case str():
            text = json.dumps(value, ensure_ascii=not value.isprintable())
            return text if len(text) <= _LONG else f'{text[:_LONG]}…"'
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case list() if value:
            return f"a list of {len(value)}"
        case list():
            return "an empty list"
        case _:
            return "a mapping"


def listing(words: Iterable[str]) -> str:
    """Return words in alphabetical order, with commas between."""
    return ", ".join(sorted(words))


def meant(word: object, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` when something known looks like `word`."""
    if not isinstance(word, str):
        return ""
    near = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""

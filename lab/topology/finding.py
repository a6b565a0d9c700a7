"""A mistake in a topology before anybody knows which line it stands in."""

from __future__ import annotations

from dataclasses import dataclass

#: Keys and list indices from the top of the document down to a value.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake.

    Attributes:
        path: The value that is wrong, or the one that lacks something.
        what: What was seen, in a person's words.
        allowed: What would do.
        at_key: The key itself is wrong, not its value.
    """

    path: Path
    what: str
    allowed: str = ""
    at_key: bool = False

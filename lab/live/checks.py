"""What `lab doctor` says of one thing: how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at: what was seen and, unless all is well, what to do."""

    name: str
    state: CheckState
    seen: str
    advice: str = ""


def check(
    name: str, *, good: bool, seen: str, advice: str, bad: CheckState = CheckState.FAIL
) -> Check:
    """Return a check that is `ok`, or else `bad` and with its advice."""
    if good:
        return Check(name=name, state=CheckState.OK, seen=seen)
    return Check(name=name, state=bad, seen=seen, advice=advice)

"""The exception tree of the lab, and `Problem`, one mistake in a person's input.

    LabError                      exit  what a caller does about it
    ├── InvalidInput              2     shows every Problem, starts nothing
    ├── WrongUse                  2     a command asked for what does not exist
    ├── EnvironmentUnfit          3     says what the machine lacks and what to do
    └── WorldError                70    the harness or the lab under it broke
        ├── NotReady              70    names the nodes that missed the deadline
        └── CommandFailed         70    a control command failed

A service that fails inside the lab is *data* and never one of these.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: where it stands, what was seen, what is allowed."""

    what: str
    allowed: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return `file:line:column: what` and, indented below, what is allowed."""
        place = ":".join(str(p) for p in (self.file, self.line, self.column) if p)
        head = f"{place}: {self.what}" if place else self.what
        return f"{head}\n    allowed: {self.allowed}" if self.allowed else head


class LabError(Exception):
    """Base of everything the lab raises on purpose; `exit_status` is for the CLI."""

    exit_status = 70


class InvalidInput(LabError):
    """A file or an option is wrong; carries every `Problem` found in it."""

    exit_status = 2

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep all problems; the message is one block per problem."""
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


class WrongUse(LabError):
    """A command names something that does not exist or cannot be done now."""

    exit_status = 2


class EnvironmentUnfit(LabError):
    """The machine cannot run the lab; the message says what to do about it."""

    exit_status = 3


class WorldError(LabError):
    """The live lab could not do as it was told."""


class NotReady(WorldError):
    """Conditions that did not hold by their deadline, with the nodes' last words."""


class CommandFailed(WorldError):
    """A control command on a node failed."""

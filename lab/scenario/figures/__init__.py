"""What can be read off a run as one number: the measured side of an expectation.

Frozen values only; how each is computed from a history is in `lab.judge.figures`.
`during` is the label of a step: the time from its beginning to that of the next one.
Shares are fractions: 0.9 is nine in ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from lab.scenario.figures.authorities import (
    Foreign,
    PrefixTold,
    Processor,
    SubnetsTold,
    Upstream,
    Verdicts,
    WaysOff,
)
from lab.scenario.figures.bursts import (
    AnsweredFor,
    AnsweredWith,
    AnswerP,
    AnswerScope,
    AnswerShare,
    AnswerTime,
    Changes,
    LeftAfter,
    Orders,
    Rotation,
    Unanswered,
)
from lab.scenario.figures.routes import (
    GoodAfterRoute,
    RouteChanges,
    RouteLeft,
    RouteMoved,
)
from lab.scenario.figures.sessions import (
    FewestMet,
    FlowsMoved,
    LastServed,
    Reconnected,
    Server,
    Stays,
)
from lab.scenario.figures.users import (
    AttemptTime,
    ConnectTime,
    FailedShare,
    GreatestPart,
    Irrevocable,
    LastFailure,
    OldestAnswer,
    PeakAskers,
    Requests,
    ServedP,
    ServedShare,
    ServedSpread,
    Unanimity,
)

__all__ = [
    "AnswerP",
    "AnswerScope",
    "AnswerShare",
    "AnswerTime",
    "AnsweredFor",
    "AnsweredWith",
    "AttemptTime",
    "Changes",
    "ConnectTime",
    "FailedShare",
    "FewestMet",
    "Figure",
    "FlowsMoved",
    "Foreign",
    "GoodAfterRoute",
    "Greatest",
    "GreatestPart",
    "Irrevocable",
    "LastFailure",
    "LastServed",
    "LeftAfter",
    "OldestAnswer",
    "Orders",
    "Over",
    "PeakAskers",
    "PrefixTold",
    "Processor",
    "Reconnected",
    "Requests",
    "Rotation",
    "RouteChanges",
    "RouteLeft",
    "RouteMoved",
    "ServedP",
    "ServedShare",
    "ServedSpread",
    "Server",
    "Stays",
    "SubnetsTold",
    "Unanimity",
    "Unanswered",
    "Upstream",
    "Verdicts",
    "WaysOff",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Greatest:
    """The greatest of several figures."""

    of: tuple[Figure, ...]
    figure: Literal["Greatest"] = "Greatest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """One figure divided by another."""

    top: Figure
    bottom: Figure
    figure: Literal["Over"] = "Over"


Figure = Annotated[
    AnswerShare
    | AnswerP
    | Rotation
    | Orders
    | AnswerScope
    | Unanswered
    | AnswerTime
    | AnsweredFor
    | AnsweredWith
    | LeftAfter
    | Changes
    | Upstream
    | SubnetsTold
    | PrefixTold
    | Foreign
    | Requests
    | FailedShare
    | ServedShare
    | ServedP
    | ServedSpread
    | Stays
    | FewestMet
    | FlowsMoved
    | Reconnected
    | LastServed
    | Unanimity
    | GreatestPart
    | OldestAnswer
    | AttemptTime
    | ConnectTime
    | LastFailure
    | Irrevocable
    | RouteMoved
    | RouteLeft
    | RouteChanges
    | GoodAfterRoute
    | PeakAskers
    | Processor
    | Verdicts
    | WaysOff
    | Greatest
    | Over,
    Field(discriminator="figure"),
]

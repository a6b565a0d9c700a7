"""What can be read off a run as one number: the measured side of an expectation.

Frozen values only; how each is computed from a history is in `lab.judge.figures`.
`during` is the label of a step: the time from its beginning to that of the next one.
Shares are fractions: 0.9 is nine in ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

#: Who served an attempt, as an attempt tells.
Server = Literal["region", "l7", "backend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerShare:
    """Share of a burst's answers that begin with one of these addresses."""

    ask: str
    addresses: tuple[str, ...]
    figure: Literal["AnswerShare"] = "AnswerShare"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerP:
    """P-value (chi-square) of a burst's first addresses, if these shares were true."""

    ask: str
    shares: tuple[tuple[str, float], ...]
    figure: Literal["AnswerP"] = "AnswerP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Share of consecutive answers of a burst that begin with another address."""

    ask: str
    figure: Literal["Rotation"] = "Rotation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Number of different orders in which a burst's answers came."""

    ask: str
    figure: Literal["Orders"] = "Orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScope:
    """Prefix length that a burst's answers are valid for (RFC 7871, section 7.2)."""

    ask: str
    figure: Literal["AnswerScope"] = "AnswerScope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """Share of a burst's questions that got no address."""

    ask: str
    figure: Literal["Unanswered"] = "Unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTime:
    """Percentile of the time a burst's answers took, in seconds."""

    ask: str
    percent: int
    figure: Literal["AnswerTime"] = "AnswerTime"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredFor:
    """Seconds during which a burst was answered with just this set of addresses."""

    ask: str
    addresses: tuple[str, ...]
    figure: Literal["AnsweredFor"] = "AnsweredFor"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredWith:
    """Number of a burst's answers that held just this set of addresses."""

    ask: str
    addresses: tuple[str, ...]
    figure: Literal["AnsweredWith"] = "AnsweredWith"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAfter:
    """Seconds from the fault to the first answer of a burst without the address."""

    ask: str
    address: str
    fault: str = "fault"
    figure: Literal["LeftAfter"] = "LeftAfter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How often the set of addresses in a burst's answers changed."""

    ask: str
    figure: Literal["Changes"] = "Changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Queries for a name that authorities got: a certain one, from a certain resolver.

    From and to any, where none is named.
    """

    qname: str
    during: str
    resolver: str = ""
    provider: str = ""
    figure: Literal["Upstream"] = "Upstream"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetsTold:
    """Number of different client subnets that authorities were told for a name.

    Of these only, if any are listed in `among`.
    """

    qname: str
    during: str
    resolver: str = ""
    among: tuple[str, ...] = ()
    figure: Literal["SubnetsTold"] = "SubnetsTold"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixTold:
    """Longest prefix length of a client subnet that authorities were told."""

    qname: str
    during: str
    resolver: str = ""
    figure: Literal["PrefixTold"] = "PrefixTold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """Packets at the authorities that are neither DNS nor their own health checks."""

    figure: Literal["Foreign"] = "Foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Number of attempts of these cohorts."""

    cohorts: tuple[str, ...]
    during: str
    figure: Literal["Requests"] = "Requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedShare:
    """Share of the attempts of these cohorts that failed; with one error, if named."""

    cohorts: tuple[str, ...]
    during: str
    error: str = ""
    figure: Literal["FailedShare"] = "FailedShare"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedShare:
    """Share of the good replies that came from one region, or one backend."""

    cohorts: tuple[str, ...]
    during: str
    region: str = ""
    backend: str = ""
    figure: Literal["ServedShare"] = "ServedShare"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedP:
    """P-value (chi-square) of which region served each client, if these are true.

    Of each client the first good attempt counts: its later ones repeat its choice.
    """

    cohorts: tuple[str, ...]
    during: str
    shares: tuple[tuple[str, float], ...]
    figure: Literal["ServedP"] = "ServedP"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedSpread:
    """Greatest less least share of a region, or backend, in whole windows of time."""

    cohorts: tuple[str, ...]
    during: str
    window_s: float
    region: str = ""
    backend: str = ""
    figure: Literal["ServedSpread"] = "ServedSpread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """Share of good replies by the one that served the same client just before.

    `renewed` counts only replies after a change of the DNS answer in between, or only
    those without.
    """

    cohorts: tuple[str, ...]
    during: str
    by: Server
    renewed: bool | None = None
    figure: Literal["Stays"] = "Stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class FewestMet:
    """How many regions, L7 nodes or backends served the client that met fewest."""

    cohorts: tuple[str, ...]
    during: str
    by: Server
    figure: Literal["FewestMet"] = "FewestMet"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastServed:
    """Seconds from a fault to the start of the last attempt that a region served."""

    cohorts: tuple[str, ...]
    during: str
    region: str
    fault: str = "fault"
    figure: Literal["LastServed"] = "LastServed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanimity:
    """Share of attempts that go where most go that use the same cached answer."""

    cohorts: tuple[str, ...]
    during: str
    figure: Literal["Unanimity"] = "Unanimity"


@dataclass(frozen=True, slots=True, kw_only=True)
class GreatestPart:
    """Greatest share of attempts that use one and the same cached answer."""

    cohorts: tuple[str, ...]
    during: str
    figure: Literal["GreatestPart"] = "GreatestPart"


@dataclass(frozen=True, slots=True, kw_only=True)
class OldestAnswer:
    """Greatest age of an answer when an attempt used it, in seconds."""

    cohorts: tuple[str, ...]
    during: str
    figure: Literal["OldestAnswer"] = "OldestAnswer"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTime:
    """Percentile of how long good attempts took, in seconds; rescued ones if told."""

    cohorts: tuple[str, ...]
    during: str
    percent: int
    rescued: bool = False
    figure: Literal["AttemptTime"] = "AttemptTime"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectTime:
    """Percentile of the time to establish a connection, one round trip, in seconds."""

    cohorts: tuple[str, ...]
    during: str
    percent: int
    figure: Literal["ConnectTime"] = "ConnectTime"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastFailure:
    """Seconds from the step's fault to the start of the last failed attempt in it."""

    cohorts: tuple[str, ...]
    during: str
    fault: str = "fault"
    figure: Literal["LastFailure"] = "LastFailure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Irrevocable:
    """Seconds from the last provider's verdict on a region to the last failure."""

    cohorts: tuple[str, ...]
    during: str
    region: str
    figure: Literal["Irrevocable"] = "Irrevocable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMoved:
    """Seconds from the last word of a fault's routers to a route's first change."""

    router: str
    prefix: str
    fault: str = "fault"
    figure: Literal["RouteMoved"] = "RouteMoved"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChanges:
    """How often a prefix's route in a router changed, came or went."""

    router: str
    prefix: str
    during: str
    figure: Literal["RouteChanges"] = "RouteChanges"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodAfterRoute:
    """Seconds from that change to the end of the first good attempt after it."""

    cohorts: tuple[str, ...]
    during: str
    router: str
    prefix: str
    fault: str = "fault"
    figure: Literal["GoodAfterRoute"] = "GoodAfterRoute"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakAskers:
    """Most clients that asked their resolver in any one second."""

    cohorts: tuple[str, ...]
    during: str
    figure: Literal["PeakAskers"] = "PeakAskers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """Share of one core that the busiest of these nodes used over the run."""

    nodes: tuple[str, ...]
    figure: Literal["Processor"] = "Processor"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysOff:
    """Number of ways whose round trip at the start was not as links declare it."""

    figure: Literal["WaysOff"] = "WaysOff"


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
    | LastServed
    | Unanimity
    | GreatestPart
    | OldestAnswer
    | AttemptTime
    | ConnectTime
    | LastFailure
    | Irrevocable
    | RouteMoved
    | RouteChanges
    | GoodAfterRoute
    | PeakAskers
    | Processor
    | WaysOff
    | Greatest
    | Over,
    Field(discriminator="figure"),
]

"""Figures about the attempts of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Number of attempts of these cohorts."""

    cohorts: tuple[str, ...]
    during: str
    figure: Literal["Requests"] = "Requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Number of attempts that failed from the step of a fault on to the step's end."""

    cohorts: tuple[str, ...]
    during: str
    fault: str = "fault"
    figure: Literal["Failures"] = "Failures"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedShare:
    """Share of the attempts of these cohorts that failed; with one error, if named."""

    cohorts: tuple[str, ...]
    during: str
    error: str = ""
    figure: Literal["FailedShare"] = "FailedShare"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedWithin:
    """Share of the attempts begun within some seconds after a fault that failed."""

    cohorts: tuple[str, ...]
    fault: str
    within_s: float
    figure: Literal["FailedWithin"] = "FailedWithin"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailuresAt:
    """Number of attempts that failed at an L7 node, from a fault to a step's end."""

    cohorts: tuple[str, ...]
    during: str
    l7: str
    fault: str = "fault"
    figure: Literal["FailuresAt"] = "FailuresAt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedShare:
    """Share of the good replies that came from one region, L7 node, or backend."""

    cohorts: tuple[str, ...]
    during: str
    region: str = ""
    backend: str = ""
    l7: str = ""
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
class Decided:
    """Share of good attempts that a layer had to decide about.

    DNS: a resolver was asked. L4: a connection was opened. L7: a node passed the
    request on.
    """

    cohorts: tuple[str, ...]
    during: str
    by: Literal["dns", "l4", "l7"]
    figure: Literal["Decided"] = "Decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsEnded:
    """Share of good attempts in which one of these nodes ended TLS.

    By the certificate that the client was shown, and has verified.
    """

    cohorts: tuple[str, ...]
    during: str
    nodes: tuple[str, ...]
    figure: Literal["TlsEnded"] = "TlsEnded"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredAt:
    """Share of the attempts at an address that got a good reply from there."""

    cohorts: tuple[str, ...]
    during: str
    address: str
    figure: Literal["AnsweredAt"] = "AnsweredAt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undivided:
    """Share of resolvers all of whose users tried one and the same address first."""

    cohorts: tuple[str, ...]
    during: str
    figure: Literal["Undivided"] = "Undivided"


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
class PeakAskers:
    """Most clients that asked their resolver in any one second; once each, if told."""

    cohorts: tuple[str, ...]
    during: str
    first: bool = False
    figure: Literal["PeakAskers"] = "PeakAskers"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSent:
    """Seconds from a fault to the start of the last attempt that tried an address."""

    cohorts: tuple[str, ...]
    during: str
    address: str
    fault: str = "fault"
    figure: Literal["LastSent"] = "LastSent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakArrivals:
    """Most clients that came to an address for the first time since a fault, in 1 s.

    Whether they were served there or refused for load.
    """

    cohorts: tuple[str, ...]
    address: str
    fault: str = "fault"
    figure: Literal["PeakArrivals"] = "PeakArrivals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Mean seconds that a client of these cohorts was without service after the fault.

    For one cause, if it is named; each cohort counts alike.
    """

    cohorts: tuple[str, ...]
    cause: str = ""
    figure: Literal["Outage"] = "Outage"

"""Figures about what bursts of questions were answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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

"""Figures about what reached the authorities, and about the lab itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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

    By and to any, where none is named; of these only, if any are listed in `among`.
    """

    qname: str
    during: str
    resolver: str = ""
    provider: str = ""
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
class Processor:
    """Greatest share of one core that any of these nodes used, by stretch of the run.

    Between two looks, five seconds apart at least if any are, one at the beginning of
    each step in which time passes; never while something is brought back.
    """

    nodes: tuple[str, ...]
    figure: Literal["Processor"] = "Processor"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedBytes:
    """Bytes that these nodes received over the run, for each attempt in it."""

    nodes: tuple[str, ...]
    figure: Literal["PassedBytes"] = "PassedBytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysOff:
    """Number of ways whose round trip at the start was not as links declare it."""

    figure: Literal["WaysOff"] = "WaysOff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Number of providers whose checks declared a region down."""

    region: str
    during: str
    figure: Literal["Verdicts"] = "Verdicts"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakResolvers:
    """Most resolvers that asked the authorities for a name in any one second.

    One that asks the next authority for want of a reply counts once.
    """

    qname: str
    during: str
    figure: Literal["PeakResolvers"] = "PeakResolvers"

"""Prefixes that are one region's as long as that lives: between anycast and unicast.

Source: Zhu, Vermeulen, Cunha, Katz-Bassett, Calder, "The Best of Both Worlds", 2022.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lab.topology.base import Model, Name
from lab.topology.values import Address, Prefix


class Technique(StrEnum):
    """How one region is preferred for a prefix, and others stand in for it."""

    PREPENDING = "proactive-prepending"  # others announce it too, by longer paths
    SUPERPREFIX = "proactive-superprefix"  # others announce the prefix around it
    REACTIVE = "reactive-anycast"  # others announce it once the primary is dead


class Hybrid(Model):
    """A prefix that is one region's as long as that lives, by BGP alone."""

    name: Name
    technique: Technique
    primary: Name
    """The region that is meant to serve it."""
    prefix: Prefix
    """What the primary announces."""
    address: Address
    prepend: Annotated[int, Field(ge=0, le=16)] = 4
    """`proactive-prepending`: how much longer the others make their paths."""

    @property
    def announced(self) -> tuple[Prefix, ...]:
        """Every prefix of it that somebody announces, the primary's first."""
        if self.technique is Technique.SUPERPREFIX:
            return self.prefix, self.prefix.supernet()
        return (self.prefix,)

    def announced_by(self, region: str) -> Prefix | None:
        """Return what a region announces as long as it is well itself, if anything."""
        if region == self.primary:
            return self.prefix
        return None if self.technique is Technique.REACTIVE else self.announced[-1]

    def stands_by(self, region: str) -> bool:
        """Tell whether a region waits for the primary's death with its announcement."""
        return self.technique is Technique.REACTIVE and region != self.primary

    def prepended_by(self, region: str) -> int:
        """Return how often more than once a region's AS stands in its path."""
        if self.technique is Technique.PREPENDING and region != self.primary:
            return self.prepend
        return 0

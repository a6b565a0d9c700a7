"""The balancer in front of the regions, as a topology file describes it."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import Field

from lab.topology.base import Model, Name


class GlobalL4(Model):
    """A balancer in front of the regions: in the way of the bytes, and in none of them.

    Users connect to it, and it to the first of its regions that is well.
    """

    name: Name
    transit: Name
    address: IPv4Address
    regions: Annotated[tuple[Name, ...], Field(min_length=1)]
    """In order of preference."""

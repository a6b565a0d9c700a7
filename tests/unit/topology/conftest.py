"""Topologies and documents that the rules of this folder are tried on."""

from __future__ import annotations

from typing import Any

import pytest

from lab.topology.loading import load
from lab.topology.model import Topology


@pytest.fixture(scope="session")
def two_region() -> Topology:
    return load("two-region")


@pytest.fixture
def data(two_region: Topology) -> dict[str, Any]:
    """The plain values of a topology that is well, for a test to spoil."""
    return two_region.model_dump(mode="json")

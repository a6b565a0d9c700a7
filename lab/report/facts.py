"""What a report says about a run besides its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Names, versions and quality figures of a run."""

    scenario: str
    topology: str
    profile: str
    knobs: Mapping[str, str]
    started_at: str
    versions: Mapping[str, str]
    scheduling_lag_p99_ms: float | None
    attempts_per_s: float | None

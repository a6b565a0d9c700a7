"""Which tests run in one process, where several run them: those that share a lab."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

from lab.scenario.catalogue import load_file

ROOT = Path(__file__).parents[1]


class ByLab(LoadScopeScheduling):
    """Scenarios by topology, live tests by file, all others as they come."""

    def _split_scope(self, nodeid: str) -> str:
        return shared_by(nodeid)


@cache
def shared_by(nodeid: str) -> str:
    """Return what a test shares with others of the same answer."""
    file = nodeid.partition("::")[0]
    if file.startswith("scenarios/"):
        return load_file(ROOT / file).topology
    return file if file.startswith("tests/live/") else nodeid

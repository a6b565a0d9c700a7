"""The port between a scenario and whatever carries it out.

The live world is `lab.live.world`; nothing above this module knows Docker.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Protocol

from lab.history import Attempt, Event
from lab.plan.model import Plan
from lab.scenario.model import Scenario
from lab.topology.model import Topology


class World(Protocol):
    """Brings a plan up, carries a scenario out, tears everything down."""

    def up(self, plan: Plan) -> Iterator[Event]:
        """Start what is not running; yield readiness events until all hold.

        Raises:
            NotReady: A condition missed its deadline.
        """

    def run(
        self, topology: Topology, scenario: Scenario
    ) -> Generator[Event | Attempt, None, None]:
        """Carry out the steps in order; yield what is seen, as it is seen.

        `at_ns` counts from this call. `topology` is the one in force (profile and
        knobs applied), for the timers that clients and caches follow.
        """

    def down(self) -> None:
        """Remove what `up` made; safe to call twice and after a failure."""

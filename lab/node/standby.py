"""`python3 -m lab.node.standby`: announces a prefix in another region's place.

It asks the other region's service, across the lab's Internet, every interval; after
`fall` bad replies in a row it takes that region for dead and enables a static route of
BIRD, as long as its own service is well; after `rise` good ones it disables it again.
On SIGTERM it withdraws first and ends after.

Arguments: one JSON object with `socket`, `routes` (name of BIRD's static protocol),
`primary` and `own` (service addresses), `port`, `path`, `timeout_ms`, `interval_ms`,
`fall`, `rise`.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

from lab.node.orders import follow
from lab.node.probes import get


class Standby:
    """Somebody else's health in, enable and disable out."""

    def __init__(self, args: dict[str, Any]) -> None:
        """Begin without knowing how the other region is."""
        self._args = args
        self._dead: bool | None = None
        self._latest: bool | None = None
        self._streak = 0

    def look(self) -> None:
        """Look at the other region once and do what follows from it."""
        good = self._is_well("primary")
        self._streak = self._streak + 1 if good == self._latest else 1
        self._latest = good
        if self._streak == self._args["rise" if good else "fall"]:
            self._take_for(dead=not good)
        if self._dead is not None:
            self._set(announced=self._dead and self._is_well("own"))

    def withdraw(self) -> None:
        """Withdraw what is announced."""
        self._set(announced=False)

    def _take_for(self, *, dead: bool) -> None:
        if dead != self._dead:
            state = "dead" if dead else "well"
            print(f"takes the other region for {state}", flush=True)
        self._dead = dead

    def _is_well(self, whose: str) -> bool:
        args = self._args
        timeout_s = args["timeout_ms"] / 1000
        try:
            status, _ = get(
                args[whose], args["port"], args["path"], timeout_s=timeout_s
            )
        except OSError:
            return False
        return status == 200

    def _set(self, *, announced: bool) -> None:
        follow(self._args["socket"], {self._args["routes"]: announced})


def main() -> None:
    """Look every interval until SIGTERM, then withdraw."""
    args = json.loads(sys.argv[1])
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    standby = Standby(args)
    while not ended.wait(args["interval_ms"] / 1000):
        standby.look()
    standby.withdraw()


if __name__ == "__main__":
    main()

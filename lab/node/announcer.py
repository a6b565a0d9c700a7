"""`python3 -m lab.node.announcer`: binds an L4 node's announcements to its health.

It asks the local service, through the node's own load balancer, every interval; after
`rise` good replies in a row it enables BIRD's static routes, after `fall` bad ones it
disables them. While a file exists that withholds a route, this one stays withdrawn and
the others follow health. On SIGTERM it withdraws first and ends after.

Arguments: one JSON object with `socket`, `host`, `port`, `path`, `interval_ms`,
`fall`, `rise`, `bound` (if not, bad replies withdraw nothing), `routes` (names of
BIRD's static protocols) and `withheld` (a route's name: files).
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from lab.node.probes import bird, get


class Announcer:
    """Health in, enable and disable out."""

    def __init__(self, args: dict[str, Any]) -> None:
        """Begin with everything withdrawn, as BIRD's configuration does."""
        self._args = args
        self._announced = dict.fromkeys(args["routes"], False)
        self._healthy = False
        self._streak = 0

    def look(self) -> None:
        """Probe once and announce or withdraw what follows from it."""
        good = self._probe()
        self._streak = 0 if good == self._healthy else self._streak + 1
        heeded = good or self._args["bound"]
        if heeded and self._streak >= self._args["rise" if good else "fall"]:
            self._healthy, self._streak = good, 0
        for route in self._announced:
            files = self._args["withheld"].get(route, ())
            withheld = any(Path(file).exists() for file in files)
            self._set(route, announced=self._healthy and not withheld)

    def withdraw(self) -> None:
        """Withdraw everything."""
        for route in self._announced:
            self._set(route, announced=False)

    def _probe(self) -> bool:
        args = self._args
        try:
            return get(args["host"], args["port"], args["path"])[0] == 200
        except OSError:
            return False

    def _set(self, route: str, *, announced: bool) -> None:
        if self._announced[route] == announced:
            return
        verb = "enable" if announced else "disable"
        try:
            reply = bird(self._args["socket"], f"{verb} {route}")
        except OSError as exc:  # no BIRD, no announcement; the next look tries again
            print(f"{verb} {route}: {exc}", flush=True)
            return
        print(f"{verb} {route}: {reply.strip()}", flush=True)
        self._announced[route] = announced


def main() -> None:
    """Look every interval until SIGTERM, then withdraw."""
    args = json.loads(sys.argv[1])
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    announcer = Announcer(args)
    while not ended.wait(args["interval_ms"] / 1000):
        announcer.look()
    announcer.withdraw()


if __name__ == "__main__":
    main()

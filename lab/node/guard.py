"""`python3 -m lab.node.guard`: a dead man's switch for an announcer.

The announcer touches a file before each look. Once that file stays as it was for
`silent_ms`, whoever would withdraw is dead or hangs, and the guard `withdraws` those
routes, once. It never announces; and nobody guards the guard.

Arguments: one JSON object with `socket`, `alive`, `every_ms`, `silent_ms` and
`withdraws` (names of BIRD's static protocols).
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from lab.node.orders import order


class Guard:
    """Signs of life in, at most one withdrawal per silence out."""

    def __init__(self, args: dict[str, Any]) -> None:
        """Begin without having seen a sign."""
        self._args = args
        self._seen_ns = 0
        self._unchanged = 0
        self._left = list(args["withdraws"])

    def look(self) -> None:
        """Look for a sign of life once, and withdraw if there was none for too long.

        Looks are counted, not time: on a machine that stands still, the guard does too.
        """
        sign_ns = self._sign_ns()
        if sign_ns != self._seen_ns:
            self._seen_ns, self._unchanged = sign_ns, 0
            self._left = list(self._args["withdraws"])
            return
        self._unchanged += 1
        if self._unchanged * self._args["every_ms"] >= self._args["silent_ms"]:
            self._withdraw()

    def _sign_ns(self) -> int:
        try:
            return Path(self._args["alive"]).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def _withdraw(self) -> None:
        socket = self._args["socket"]
        self._left = [
            route
            for route in self._left
            if not order(socket, "disable", route, why="no sign of life")
        ]


def main() -> None:
    """Look until SIGTERM."""
    args = json.loads(sys.argv[1])
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    guard = Guard(args)
    due_s = time.monotonic()
    while not ended.wait(max(0.0, due_s - time.monotonic())):
        guard.look()
        due_s = max(due_s + args["every_ms"] / 1000, time.monotonic())


if __name__ == "__main__":
    main()

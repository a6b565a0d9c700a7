"""`python3 -m lab.node.announcer`: binds an L4 node's announcements to its health.

It looks at the node and what is behind it every interval; after `rise` good looks in
a row it enables BIRD's static routes, after `fall` bad ones it disables them. While a
file exists that withholds a route, this one stays withdrawn and the others follow
health. On SIGTERM it withdraws first and ends after.

What BIRD announces outlives whoever told it to. An announcer that starts, or that has
been silent for so long that its guard may have acted (`lab.node.guard`), knows nothing
of the service: it looks first, and then mends what is announced.

Arguments: one JSON object with `socket`, `looks`, `interval_ms`, `fall`, `rise`,
`bound` (if not, bad looks withdraw nothing), `routes` (names of BIRD's static
protocols), `withheld` (a route's name: files), `silent_ms` and `alive` (a file that is
touched before each look; "" if nobody watches). All `looks` must be good: each is a
program to run (`argv`), or a GET of `path` from `port` of any of `hosts`, of which one
must reply, with `status` if there is one. `instead` is {file: path}: what to get while
a file is there.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.node.orders import follow
from lab.node.probes import PROBE_TIMEOUT_S, get
from lab.node.together import together


class Announcer:
    """Health in, enable and disable out."""

    def __init__(
        self, args: dict[str, Any], *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin without knowing how the service is."""
        self._args = args
        self._clock_s = clock_s
        self._looked_s = clock_s()
        self._healthy: bool | None = None
        self._latest: bool | None = None
        self._streak = 0

    def look(self) -> None:
        """Look once and announce or withdraw what follows from it."""
        if self._args["alive"]:
            Path(self._args["alive"]).touch()
        since_s, self._looked_s = self._looked_s, self._clock_s()
        if self._looked_s - since_s >= self._args["silent_ms"] / 1000:
            self._forget()
        good = all(is_well(look) for look in self._args["looks"])
        self._streak = self._streak + 1 if good == self._latest else 1
        self._latest = good
        heeded = good or self._args["bound"]
        if heeded and self._streak >= self._args["rise" if good else "fall"]:
            self._healthy = good
        if self._healthy is None:
            return
        kept_back = self._args["withheld"]
        wanted = {
            route: self._healthy
            and not any(Path(file).exists() for file in kept_back.get(route, ()))
            for route in self._args["routes"]
        }
        follow(self._args["socket"], wanted)

    def withdraw(self) -> None:
        """Withdraw everything."""
        follow(self._args["socket"], dict.fromkeys(self._args["routes"], False))

    def _forget(self) -> None:
        self._healthy = self._latest = None
        self._streak = 0


def is_well(look: Mapping[str, Any]) -> bool:
    """Tell whether one look finds what it should."""
    if argv := look.get("argv"):
        return _succeeds(argv)
    instead = look.get("instead", {})
    path = next((p for f, p in instead.items() if Path(f).exists()), look["path"])

    def answers(host: str) -> bool:
        try:
            status, _ = get(host, look["port"], path)
        except OSError:
            return False
        return bool(look.get("status", status) == status)

    return any(together(answers, look["hosts"]))


def _succeeds(argv: list[str]) -> bool:
    try:
        done = subprocess.run(
            argv, capture_output=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def main() -> None:
    """Look every interval until SIGTERM, then withdraw."""
    args = json.loads(sys.argv[1])
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    announcer = Announcer(args)
    due_s = time.monotonic()
    while not ended.wait(max(0.0, due_s - time.monotonic())):
        announcer.look()
        due_s = max(due_s + args["interval_ms"] / 1000, time.monotonic())
    announcer.withdraw()


if __name__ == "__main__":
    main()

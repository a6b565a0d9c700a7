"""Watching the node's conditions until each holds, in a thread of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from lab.node.probes import holds
from lab.node.speak import say

#: Exists while all conditions hold; compose.yaml's health check looks at it.
READY_FILE = Path("/run/lab/ready")
#: Between two looks at what does not hold yet: an observation, not a wait for luck.
LOOK_EVERY_S = 0.1


class Readiness:
    """Evaluates conditions until all hold; starts over when told to."""

    def __init__(self, conditions: list[dict[str, Any]]) -> None:
        """Begin to watch."""
        self._conditions = conditions
        self._restart = threading.Event()
        self._verdict = threading.Lock()  # between starting over and saying all is well
        self._last: dict[str, str] = {}
        self._restart.set()
        threading.Thread(target=self._watch, daemon=True).start()

    def check_again(self) -> None:
        """Forget what held; every condition must be seen to hold anew."""
        with self._verdict:
            READY_FILE.unlink(missing_ok=True)
            self._restart.set()

    def waiting(self) -> dict[str, str]:
        """Return each condition that has not held yet, with what was seen last."""
        return dict(self._last)

    def _watch(self) -> None:
        while True:
            self._restart.wait()
            self._restart.clear()
            self._until_ready()

    def _until_ready(self) -> None:
        pending = list(self._conditions)
        self._last = {c["text"]: "not looked at yet" for c in pending}
        while pending and not self._restart.is_set():
            pending = [c for c in pending if not self._look(c)]
            if pending:
                self._restart.wait(LOOK_EVERY_S)
        with self._verdict:
            if not pending and not self._restart.is_set():
                READY_FILE.touch()
                say("all-ready")

    def _look(self, condition: dict[str, Any]) -> bool:
        good, seen = holds(condition)
        if good:
            self._last.pop(condition["text"], None)
            say("ready", condition=condition["text"])
        else:
            self._last[condition["text"]] = seen
        return good

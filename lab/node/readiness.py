"""Watching the node's conditions until each holds, in a thread of its own."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from lab.node.probes import holds, unmet
from lab.node.speak import say
from lab.node.together import together

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
            held = self._look(pending)
            pending = [c for c, good in zip(pending, held, strict=True) if not good]
            if pending:
                self._restart.wait(LOOK_EVERY_S)
        with self._verdict:
            if not pending and not self._restart.is_set():
                READY_FILE.touch()
                say("all-ready")

    def _look(self, pending: list[dict[str, Any]]) -> list[bool]:
        """Look at all conditions at once; at what several wait for only once."""
        waits = {json.dumps(c["args"].get("after", [])) for c in pending}
        awaited = {key: unmet(json.loads(key)) for key in waits}

        def look(condition: dict[str, Any]) -> bool:
            key = json.dumps(condition["args"].get("after", []))
            good, seen = holds(condition, awaited[key])
            if good:
                self._last.pop(condition["text"], None)
                say("ready", condition=condition["text"])
            else:
                self._last[condition["text"]] = seen
            return good

        return together(look, pending)

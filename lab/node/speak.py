"""Saying things on standard output: one JSON object a line, stamped, never torn."""

from __future__ import annotations

import json
import sys
import threading
import time

_lock = threading.Lock()


def say(kind: str, **facts: object) -> None:
    """Print one line; `t` is `CLOCK_MONOTONIC` in nanoseconds unless given."""
    line = json.dumps({"t": time.monotonic_ns(), "kind": kind, **facts})
    with _lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

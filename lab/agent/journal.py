"""Lines out, without ever holding up the loop: batches, written by a thread."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable
from typing import Protocol

Line = dict[str, object]
#: What a reader may fall behind before the agent gives up; a client node has 128 MB.
_BACKLOG_BYTES = 32 * 1024 * 1024

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Sink(Protocol):
    """Takes lines; a `Journal`, or what a test puts in its place."""

    def write(self, line: Line) -> None:
        """Add a line to the batch."""

    def flush(self) -> None:
        """Hand the batch on."""


class ReaderTooSlow(RuntimeError):
    """Whoever reads the journal does not keep up."""


class Journal:
    """JSON lines to a file descriptor; a context manager."""

    def __init__(
        self,
        descriptor: int,
        *,
        on_broken: Callable[[], object],
        backlog_bytes: int = _BACKLOG_BYTES,
    ) -> None:
        """Write to `descriptor`; `on_broken` is called, in the thread, if it breaks."""
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._backlog_bytes = backlog_bytes
        self._lines: list[str] = []
        self._batches: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._queued_bytes = 0
        self._written_bytes = 0
        self._thread = threading.Thread(target=self._drain, name="journal")
        self.broken = False

    def __enter__(self) -> Journal:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left and end the thread."""
        if not self.broken:
            self._hand_over()
        self._batches.put(None)
        self._thread.join()

    def write(self, line: Line) -> None:
        """Add a line to the batch."""
        self._lines.append(_encode(line))

    def flush(self) -> None:
        """Hand the batch to the thread.

        Raises:
            ReaderTooSlow: More than the allowed backlog waits to be written.
        """
        if self._queued_bytes - self._written_bytes > self._backlog_bytes:
            raise ReaderTooSlow(
                f"the reader of the journal is {self._backlog_bytes} bytes behind"
            )
        self._hand_over()

    def _hand_over(self) -> None:
        if self._lines:
            batch = ("\n".join(self._lines) + "\n").encode()
            self._lines.clear()
            self._queued_bytes += len(batch)
            self._batches.put(batch)

    def _drain(self) -> None:
        while (batch := self._batches.get()) is not None:
            try:
                self._write_all(batch)
            except OSError:  # the reader has gone; nobody is left to tell more
                self.broken = True
                self._on_broken()
                return

    def _write_all(self, batch: bytes) -> None:
        view = memoryview(batch)
        while view:
            written = os.write(self._descriptor, view)
            self._written_bytes += written
            view = view[written:]

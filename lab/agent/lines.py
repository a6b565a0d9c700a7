"""Lines from a file descriptor: the first one waited for, the rest as they come."""

from __future__ import annotations

import os

_READ_BYTES = 65_536


class Lines:
    """Splits what a descriptor brings into lines; unbuffered below."""

    def __init__(self, descriptor: int) -> None:
        """Read from `descriptor`, which stays the caller's."""
        self.descriptor = descriptor
        self._rest = b""
        self.ended = False

    def first(self) -> str:
        """Wait for one line and return it; what is there at the end of input."""
        while b"\n" not in self._rest and not self.ended:
            self._read()
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def ready(self) -> list[str]:
        """Read once (call it when there is something) and return whole lines."""
        self._read()
        return self.whole()

    def whole(self) -> list[str]:
        """Return the whole lines that have arrived already."""
        *lines, self._rest = self._rest.split(b"\n")
        return [line.decode() for line in lines if line.strip()]

    def _read(self) -> None:
        data = os.read(self.descriptor, _READ_BYTES)
        self.ended = not data
        self._rest += data

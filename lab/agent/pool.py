"""A client's kept connection: used again while it lives, whatever a TTL says.

The lab's proxies end one that is idle for 5 s, so slower clients keep none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from lab.agent.exchange import Ending, Request
from lab.agent.stub import Choice


class Reusable(Protocol):
    """A connection that may carry another request: an `Exchange`."""

    idle: bool

    def again(self, request: Request) -> asyncio.Future[Ending]:
        """Make another request."""

    def cancel(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A connection, to whom, and the choice that led there."""

    exchange: Reusable
    address: str
    choice: Choice


class Pool:
    """Room for one idle connection of HTTP/1.1 (RFC 9112, section 9.3)."""

    __slots__ = ("_closed", "_kept")

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: Kept | None = None
        self._closed = False

    def take(self) -> Kept | None:
        """Return the connection for one request; None if there is none that lives.

        While it is away nobody else gets it: an HTTP/1.1 connection carries one
        request at a time.
        """
        kept, self._kept = self._kept, None
        return kept if kept is not None and kept.exchange.idle else None

    def keep(self, kept: Kept) -> None:
        """Keep a connection for the next request; end it if there is no room."""
        if not kept.exchange.idle:
            return
        if self._closed or (self._kept is not None and self._kept.exchange.idle):
            kept.exchange.cancel()
        else:
            self._kept = kept

    def close(self) -> None:
        """End the idle connection, and any that comes back later."""
        self._closed = True
        if self._kept is not None and self._kept.exchange.idle:
            self._kept.exchange.cancel()
        self._kept = None

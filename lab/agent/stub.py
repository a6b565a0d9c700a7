"""A stub client's memory: its cached answer, its pin, and what it does with them.

Pure; the clock is an argument and asking a resolver is somebody else's work.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from lab.agent.plan import Behaviour

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A resolver's answer: addresses in its order, TTL as received, and when."""

    addresses: tuple[str, ...]
    ttl_s: int
    received_ns: int

    @property
    def expires_ns(self) -> int:
        """When its time to live is over; with a TTL of 0 at once."""
        return self.received_ns + self.ttl_s * _NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The addresses to try, in order, and the answer they come from.

    Attributes:
        source: `resolver` (asked just now), `stub` (own cache, within the TTL),
            `pin` (kept beyond it) or `connection` (kept, whatever the TTL).
    """

    addresses: tuple[str, ...]
    answer: Answer
    source: str


@dataclass(frozen=True, slots=True)
class _Pin:
    address: str
    answer: Answer
    until_ns: int


#: Who tries more than the first address.
_TRY_ALL = frozenset(
    {Behaviour.RETRY_NEXT, Behaviour.HAPPY_EYEBALLS, Behaviour.SDK},
)


class Stub:
    """What one client remembers."""

    __slots__ = (
        "_behaviour",
        "_cached",
        "_jitter",
        "_pin",
        "_pin_ns",
        "_rng",
        "_until_ns",
    )

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        pin_s: float,
        jitter: float = 0.0,
        rng: random.Random,
    ) -> None:
        """Remember nothing yet; `jitter` is the most of a TTL that it adds to it."""
        self._behaviour = behaviour
        self._pin_ns = int(pin_s * _NS_PER_S)
        self._jitter = jitter
        self._rng = rng
        self._until_ns = 0
        self._cached: Answer | None = None
        self._pin: _Pin | None = None

    def recall(self, now_ns: int) -> Choice | None:
        """Return what the client uses without asking; None if it has to ask."""
        if self._pin and now_ns < self._pin.until_ns:
            answer = self._pin.answer
            source = "stub" if now_ns < answer.expires_ns else "pin"
            return Choice(addresses=(self._pin.address,), answer=answer, source=source)
        if self._cached and now_ns < self._until_ns:
            self._take_pin(self._cached, now_ns)
            return self.choose(self._cached, source="stub")
        return None

    def learn(self, answer: Answer, now_ns: int) -> None:
        """Keep a resolver's answer for its TTL from receipt (RFC 1034, section 5)."""
        self._cached, self._until_ns = answer, answer.expires_ns
        if self._jitter:
            added_s = answer.ttl_s * self._rng.uniform(0, self._jitter)
            self._until_ns += int(added_s * _NS_PER_S)
        self._take_pin(answer, now_ns)

    def choose(self, answer: Answer, *, source: str = "resolver") -> Choice:
        """Return the addresses of an answer that the client would try."""
        tries_all = self._behaviour in _TRY_ALL
        addresses = answer.addresses if tries_all else answer.addresses[:1]
        return Choice(addresses=addresses, answer=answer, source=source)

    def forget(self) -> None:
        """Drop the cached answer and the pin."""
        self._cached = self._pin = None

    def _take_pin(self, answer: Answer, now_ns: int) -> None:
        if self._behaviour is Behaviour.PINNED:
            self._pin = _Pin(answer.addresses[0], answer, now_ns + self._pin_ns)

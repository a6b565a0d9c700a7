"""What each resolver answers, as the stub clients see it, and when that changes.

An answer *generation* is one stay of an answer in a resolver's cache. Resolvers count
TTLs in whole seconds (unbound answers with TTL 0 for most of one more), so the expiry
that two queries show of one generation differs by up to a second; only a later one is
a new generation. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.agent.stub import Answer

_NS_PER_S = 1_000_000_000
#: One second of rounding, and the way of the answer.
_SAME_GENERATION_NS = 1_500_000_000

Line = dict[str, object]
_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Generation:
    addresses: tuple[str, ...]  # sorted: rotation is no change
    first_expiry_ns: int
    last_expiry_ns: int
    seen_ns: int
    told: bool = False


class AnswerWatch:
    """Follows the generations of each (resolver, name).

    Where users are in several subnets, of each of these too: a resolver may hold an
    answer for each subnet that asks (RFC 7871).
    """

    def __init__(self) -> None:
        """Know of no answer yet."""
        self._current: dict[_Key, _Generation] = {}

    def see(
        self, resolver: str, name: str, answer: Answer, *, source: str = ""
    ) -> list[Line]:
        """Return the events that an answer just received makes.

        The moment of change lies between the last sight of the old generation and
        this one; that is the uncertainty of an `answer` event.
        """
        key = (resolver, name, source)
        events = self.expire(answer.received_ns)
        addresses = tuple(sorted(answer.addresses))
        old = self._current.get(key)
        if old and _is_same(old, addresses, answer):
            old.seen_ns = answer.received_ns
            old.last_expiry_ns = max(old.last_expiry_ns, answer.expires_ns)
            return events
        if old and not old.told and _is_over(old, answer.received_ns):
            events.append(_expiry(key, old, answer.received_ns))
        self._current[key] = _Generation(
            addresses, answer.expires_ns, answer.expires_ns, answer.received_ns
        )
        detail: Line = {
            **_whose(key),
            "addresses": list(answer.addresses),
            "ttl_s": answer.ttl_s,
        }
        since = answer.received_ns - old.seen_ns if old else 0
        return [*events, _event("answer", answer.received_ns, since, detail)]

    def expire(self, now_ns: int) -> list[Line]:
        """Return a `cache-expiry` for each generation whose end has passed, once.

        Where no successor shows the end, it is taken as the latest end that any
        query has shown, and the second that rounding may hide.
        """
        events = []
        for key, generation in self._current.items():
            end_ns = generation.last_expiry_ns + _NS_PER_S
            if not generation.told and end_ns <= now_ns:
                generation.told = True
                events.append(_expiry(key, generation, end_ns))
        return events

    def forget(self) -> None:
        """Know nothing again; what was cached is not coming back."""
        self._current.clear()


def _is_same(old: _Generation, addresses: tuple[str, ...], answer: Answer) -> bool:
    latest_ns = old.first_expiry_ns + _SAME_GENERATION_NS
    return old.addresses == addresses and answer.expires_ns <= latest_ns


def _is_over(old: _Generation, now_ns: int) -> bool:
    """Return whether its successor came because it ended, not because it was cut."""
    return old.first_expiry_ns - _NS_PER_S <= now_ns


def _whose(key: _Key) -> Line:
    facts = zip(("resolver", "name", "source"), key, strict=True)
    return {what: text for what, text in facts if text}


def _expiry(key: _Key, old: _Generation, at_ns: int) -> Line:
    detail = _whose(key)
    earliest_ns = max(old.seen_ns, old.first_expiry_ns - _NS_PER_S)
    return _event("cache-expiry", at_ns, at_ns - earliest_ns, detail)


def _event(kind: str, at_ns: int, uncertainty_ns: int, detail: Line) -> Line:
    return {
        "type": "event",
        "at_ns": at_ns,
        "kind": kind,
        "uncertainty_ns": uncertainty_ns,
        "detail": detail,
    }

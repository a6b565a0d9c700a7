"""The journal of a run: control-plane events and client attempts, and their JSON codec.

Holds strings and values, never files. All times are `CLOCK_MONOTONIC` nanoseconds
counted from the start of the run (`at_ns` 0); containers share that clock with the
host, so no two of them need to agree on anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What is known of an attempt: it worked, it failed, or nobody can say."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class EventKind(StrEnum):
    """Kinds of control-plane events."""

    PHASE = "phase"  # the harness entered a phase; detail.phase
    READY = "ready"  # a readiness condition began to hold
    FAULT = "fault"  # a fault took effect; detail.kind, detail.target
    FAULT_STAGE = "fault-stage"  # a later stage of a fault (the stop after a drain)
    SILENCE = "silence"  # a router that died without a word spoke last; detail.label
    RESTORE = "restore"  # an undo took effect
    HEALTH = "health"  # a checker changed its mind; detail.target, detail.state up|down
    ROUTE = "route"  # a kernel route changed; detail.change added|changed|removed
    ANSWER = "answer"  # what a resolver answers changed; detail.resolver, .name
    EXPIRY = "cache-expiry"  # a cached answer reached its end; detail.resolver, .name
    CACHE_PROOF = "cache-proof"  # evidence on whether the cache was on the path
    ASKED = "asked"  # a burst is over; detail.label, .asked, .answered, .first, .runs …
    UPSTREAM = "upstream"  # an authority was asked; detail.resolver, .name, .subnet
    CARRIED = "carried"  # packets an authority carried; detail.dns, .foreign
    RTT = "rtt"  # a round trip; detail.from, .to, .rtt_ms, .declared_ms [least, most]
    LOAD = "load"  # so far: detail.cpu_s by DNS server, .received_bytes by balancer
    DIED = "died"  # a daemon or a container ended that was not told to


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, where and when.

    Attributes:
        at_ns: The latest moment at which it can have happened.
        uncertainty_ns: How much earlier it can have been.
        kind: See `EventKind`.
        node: Node that saw it; "" for the harness.
        detail: Facts, by kind; JSON values only.
    """

    at_ns: int
    kind: EventKind
    node: str = ""
    uncertainty_ns: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One address tried within an attempt, and how it ended.

    Attributes:
        error: "" after a good reply; `cancelled` where another address won the race,
            else as that of an attempt.
        connect_ms: From the first packet to the connection, where a new one replied:
            one round trip.
        tls_ms: From there to the end of the handshake, where there was one.
    """

    address: str
    error: str = ""
    connect_ms: float | None = None
    tls_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The DNS answer that an attempt used.

    Attributes:
        source: `stub` (the client's own cache), `resolver` (asked just now),
            `pin` (kept beyond its time to live by a pinned client) or `connection`
            (the one that a kept connection was opened with).
        addresses: All addresses in the answer, in the order given.
        ttl_s: TTL as received from the resolver.
        received_ns: When the resolver's answer reached the client.
    """

    source: str
    addresses: tuple[str, ...]
    ttl_s: int
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One client attempt: resolve, connect, ask, read.

    Attributes:
        client: Client name, unique in the run (`<cohort>#<n>`).
        cohort: Cohort name.
        due_ns: When the open-loop schedule wanted it.
        start_ns: When it really started; start - due is the scheduling lag.
        end_ns: When it ended.
        outcome: See `Outcome`.
        error: `connect-timeout`, `refused`, `unreachable`, `reset`, `read-timeout`,
            `http-<status>`, `overload` (a 503 that says so), `bad-reply`,
            `tls` and `tls-certificate` (not from the lab's authority, or for others),
            `dns-timeout`, `dns-<rcode>`, `local-<errno>` (outcome `info`: the
            client's own host could not even try), or "" when it worked.
        tries: Addresses tried, in order of their start.
        answer: The DNS answer used, None when none was had.
        region: Region that replied, from the reply; likewise `pop` and `backend`.
        l7: L7 node that passed the reply on, good or bad.
        source: Address of the client, where its access network has several.
        certified: Node that the certificate names: where TLS ended.
    """

    client: str
    cohort: str
    due_ns: int
    start_ns: int
    end_ns: int
    outcome: Outcome
    error: str = ""
    tries: tuple[Try, ...] = ()
    answer: Answer | None = None
    region: str = ""
    pop: str = ""
    backend: str = ""
    l7: str = ""
    source: str = ""
    certified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All events and attempts of a run, each ordered by time."""

    events: tuple[Event, ...]
    attempts: tuple[Attempt, ...]


def history_of(records: Iterable[Event | Attempt]) -> History:
    """Return the history that these records, in whatever order, are."""
    known = tuple(records)
    events = (r for r in known if isinstance(r, Event))
    attempts = (r for r in known if isinstance(r, Attempt))
    return History(
        events=tuple(sorted(events, key=lambda e: e.at_ns)),
        attempts=tuple(sorted(attempts, key=lambda a: a.start_ns)),
    )


def record_to_json(record: Event | Attempt) -> str:
    """Return one line of JSON, without empty fields."""
    return json.dumps(
        asdict(record, dict_factory=_without_empty), separators=(",", ":")
    )


def _without_empty(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value not in ("", None, (), {})}


def event_from_json(line: str) -> Event:
    """Return the event that `record_to_json` wrote."""
    raw = json.loads(line)
    return Event(**{**raw, "kind": EventKind(raw["kind"])})


def attempt_from_json(line: str) -> Attempt:
    """Return the attempt that `record_to_json` wrote."""
    return attempt_from_raw(json.loads(line))


def attempt_from_raw(raw: dict[str, Any]) -> Attempt:
    """Return the attempt that these JSON values are."""
    tries = tuple(Try(**t) for t in raw.get("tries", ()))
    parsed = {**raw, "outcome": Outcome(raw["outcome"]), "tries": tries}
    if answer := raw.get("answer"):
        addresses = tuple(answer["addresses"])
        parsed["answer"] = Answer(**{**answer, "addresses": addresses})
    return Attempt(**parsed)

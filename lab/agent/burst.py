"""A burst: one question, many times, to one server at an even pace; and what it says.

Open loop: every question goes out when it is due, once, with an id of its own, whatever
became of those before.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype

from lab.agent.exchange import word
from lab.agent.lag import percentile
from lab.agent.resolver import NoAnswer, resolution_from_wire, udp_socket

Line = dict[str, object]
#: How long an answer may take: longer than a resolver that serves stale answers only
#: when its own patience is over (1.8 s: RFC 8767, section 5).
TIMEOUT_S = 3.0
#: Event loops count in milliseconds.
_BEAT_S = 0.001
_NS_PER_S = 1_000_000_000
_IDS = 1 << 16
#: Ids come round only when the questions that had them are over.
SHORTEST_INTERVAL_US = 50
#: Room for the answers of a moment in which the loop was busy.
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What to ask, of whom, how often.

    Attributes:
        name: Absolute.
        subnets: Client subnets to tell in turn (RFC 7871); none if empty.
        sources: Addresses to ask from, in turn.
        recursion: Whether recursion is desired.
    """

    server: str
    port: int
    name: str
    count: int
    interval_us: int
    subnets: tuple[str, ...]
    sources: tuple[str, ...]
    recursion: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What one answer says."""

    error: str
    addresses: tuple[str, ...] = ()
    ttl_s: int = 0
    scope: int | None = None


@dataclass(slots=True)
class Asked:
    """One question, and its answer if there is one."""

    sent_ns: int
    error: str = "dns-timeout"
    received_ns: int = 0
    said: Said | None = None


class Burst:
    """A burst under way; a context manager for its sockets."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, questions: Questions, rng: random.Random
    ) -> None:
        """Send nothing yet."""
        self._loop = loop
        self._questions = questions
        self._to = (questions.server, questions.port)
        self._wires = list(_wires(questions))
        self._first_id = rng.getrandbits(16)
        self._sockets: list[socket.socket] = []
        self._asked: list[Asked] = []
        self._open: dict[int, Asked] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Burst:
        """Open a socket per source."""
        with ExitStack() as stack:
            for source in self._questions.sources:
                opened = stack.enter_context(udp_socket(source, self._questions.server))
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
                self._loop.add_reader(opened.fileno(), self._readable, opened)
                stack.callback(self._loop.remove_reader, opened.fileno())
                self._sockets.append(opened)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._stack.close()

    async def run(self) -> list[Asked]:
        """Ask everything, wait for the answers, return all in order of asking."""
        begun_ns = time.monotonic_ns()
        interval_ns = self._questions.interval_us * 1000
        while len(self._asked) < self._questions.count:
            due = (time.monotonic_ns() - begun_ns) // interval_ns + 1
            for _ in range(len(self._asked), min(due, self._questions.count)):
                self._ask()
            next_ns = begun_ns + len(self._asked) * interval_ns
            rest_s = (next_ns - time.monotonic_ns()) / _NS_PER_S
            await asyncio.sleep(max(_BEAT_S, rest_s))
        await self._settle()
        return self._asked

    async def _settle(self) -> None:
        """Return once nothing is open, or the last question has had its time."""
        last_ns = self._asked[-1].sent_ns + int(TIMEOUT_S * _NS_PER_S)
        while self._open and time.monotonic_ns() < last_ns:
            await asyncio.sleep(_BEAT_S)

    def _ask(self) -> None:
        number = len(self._asked)
        asked = Asked(time.monotonic_ns())
        self._asked.append(asked)
        qid = (self._first_id + number) % _IDS
        wire = qid.to_bytes(2, "big") + self._wires[number % len(self._wires)]
        self._open[qid] = asked
        try:
            self._sockets[number % len(self._sockets)].sendto(wire, self._to)
        except OSError as error:  # nothing has left
            what = word(error.errno)
            asked.error = what if what.startswith("local-") else f"dns-{what}"
            del self._open[qid]

    def _readable(self, here: socket.socket) -> None:
        while True:
            try:
                wire, sender = here.recvfrom(4096)
            except BlockingIOError:
                return
            asked = self._open.pop(int.from_bytes(wire[:2], "big"), None)
            if asked is not None and sender[:2] == self._to:
                self._take(asked, wire)

    def _take(self, asked: Asked, wire: bytes) -> None:
        now_ns = time.monotonic_ns()
        if now_ns - asked.sent_ns <= TIMEOUT_S * _NS_PER_S:
            said = said_by(wire[2:], self._questions.name)
            asked.received_ns, asked.said, asked.error = now_ns, said, said.error


def _wires(questions: Questions) -> Iterator[bytes]:
    """Yield the questions as they leave, without their ids."""
    for subnet in questions.subnets or ("",):
        query = dns.message.make_query(questions.name, dns.rdatatype.A)
        if not questions.recursion:
            query.flags &= ~dns.flags.RD
        if subnet:
            told = ip_network(subnet)
            option = dns.edns.ECSOption(str(told.network_address), told.prefixlen)
            query.use_edns(options=[option])
        yield query.to_wire()[2:]


@lru_cache(maxsize=4096)
def said_by(wire: bytes, name: str) -> Said:
    """Return what an answer says, given without its id: most are the same.

    Args:
        wire: The message from its third octet on.
        name: Absolute name that was asked for.
    """
    whole = b"\0\0" + wire
    found = resolution_from_wire(whole, name, 0)
    if isinstance(found, NoAnswer):
        return Said(found.error)
    options = dns.message.from_wire(whole, ignore_trailing=True).options
    scopes = (o.scopelen for o in options if isinstance(o, dns.edns.ECSOption))
    return Said("", found.addresses, found.ttl_s, next(scopes, None))


def burst_facts(asked: Sequence[Asked]) -> Line:
    """Return what a reply tells of a burst. Pure."""
    good = [(a, a.said) for a in asked if a.said is not None and not a.said.error]
    first = [said.addresses[0] for _, said in good]
    ttls = [said.ttl_s for _, said in good]
    rtts_ms = sorted((a.received_ns - a.sent_ns) / 1_000_000 for a, _ in good)
    scopes = Counter(str(said.scope) for _, said in good if said.scope is not None)
    return {
        "asked": len(asked),
        "answered": len(good),
        "errors": Counter(a.error for a in asked if a.error),
        "first": Counter(first),
        "orders": Counter(" ".join(said.addresses) for _, said in good),
        "moves": sum(one != other for one, other in itertools.pairwise(first)),
        "ttls": [min(ttls), max(ttls)] if ttls else [],
        "scopes": scopes,
        "rtt_ms": {
            f"p{share}": round(percentile(rtts_ms, share), 3)
            for share in (50, 95, 99)
            if rtts_ms
        },
        "runs": _runs(asked),
        "start_ns": asked[0].sent_ns,
        "end_ns": max(max(a.received_ns, a.sent_ns) for a in asked),
    }


def _runs(asked: Sequence[Asked]) -> list[Line]:
    """Return the stays of a set of addresses, in order of receipt.

    An answer without any address is a set as well: the empty one.
    """
    told = sorted(
        (a.received_ns, tuple(sorted(a.said.addresses)))
        for a in asked
        if a.said is not None and a.said.error in ("", "dns-nodata")
    )
    runs: list[Line] = []
    for addresses, stay in itertools.groupby(told, key=lambda one: one[1]):
        moments = [received_ns for received_ns, _ in stay]
        runs.append(
            {
                "addresses": list(addresses),
                "first_ns": moments[0],
                "last_ns": moments[-1],
                "count": len(moments),
            }
        )
    return runs

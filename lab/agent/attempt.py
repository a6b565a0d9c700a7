"""One client attempt: resolve, connect, ask, read, and the line that tells of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lab.agent.exchange import Ending
from lab.agent.plan import Cohort
from lab.agent.resolver import NoAnswer, Resolution
from lab.agent.stub import Choice, Stub

Line = dict[str, object]
#: Asks the client's resolver for the client's name.
Ask = Callable[[], asyncio.Future[Resolution]]
#: Makes one exchange with an address; the flag says that another one is left.
Connect = Callable[[str, bool], Awaitable[Ending]]


@dataclass(frozen=True, slots=True)
class Tried:
    """One address tried, and how that ended."""

    address: str
    ending: Ending


class Client:
    """A stub client: its name, its memory, and the question it waits for."""

    __slots__ = ("_asking", "_stub", "cohort", "name")

    def __init__(self, name: str, cohort: Cohort, *, pin_s: float) -> None:
        """Remember nothing yet."""
        self.name = name
        self.cohort = cohort
        self._stub = Stub(cohort.behaviour, pin_s=pin_s)
        self._asking: asyncio.Future[Resolution] | None = None

    def forget(self) -> None:
        """Forget answer and pin; the answer to a question now open is not kept."""
        self._stub.forget()
        self._asking = None

    async def resolve(self, ask: Ask) -> Choice | NoAnswer:
        """Return what to try, from memory or asked; attempts share a question."""
        recalled = self._stub.recall(time.monotonic_ns())
        if recalled is not None:
            return recalled
        if self._asking is None:
            self._asking = ask()
            self._asking.add_done_callback(self._answered)
        found = await self._asking
        return found if isinstance(found, NoAnswer) else self._stub.choose(found)

    def _answered(self, asked: asyncio.Future[Resolution]) -> None:
        if asked is not self._asking or asked.cancelled():
            return
        self._asking = None
        found = asked.result()
        if not isinstance(found, NoAnswer):
            self._stub.learn(found, time.monotonic_ns())


async def reach(addresses: tuple[str, ...], connect: Connect) -> list[Tried]:
    """Try the addresses in order until one replies; return every try.

    A connection that closes before any byte of the reply says nothing about the
    request, and GET is idempotent: it is made again, once, on a new connection
    (RFC 9110, section 9.2.2; every HTTP client does so).
    """
    left = list(addresses)
    tries: list[Tried] = []
    repeated = False
    while left:
        address = left.pop(0)
        ending = await connect(address, bool(left))
        tries.append(Tried(address, ending))
        if ending.reply is not None or ending.error.startswith("local-"):
            break
        if ending.unused and not repeated:
            repeated = True
            left.insert(0, address)
    return tries


def attempt_line(
    client: Client,
    *,
    due_ns: int,
    start_ns: int,
    found: Choice | NoAnswer,
    tries: list[Tried],
) -> Line:
    """Return the journal's line for an attempt, without empty fields."""
    line: Line = {
        "type": "attempt",
        "client": client.name,
        "cohort": client.cohort.name,
        "due_ns": due_ns,
        "start_ns": start_ns,
    }
    if isinstance(found, NoAnswer):
        ended = {"end_ns": found.at_ns, "outcome": "fail", "error": found.error}
        return {**line, **ended}
    line["answer"] = {
        "source": found.source,
        "addresses": list(found.answer.addresses),
        "ttl_s": found.answer.ttl_s,
        "received_ns": found.answer.received_ns,
    }
    line["tries"] = [_try_line(tried) for tried in tries]
    return {**line, **_ending_line(tries[-1].ending)}


def _try_line(tried: Tried) -> Line:
    line: Line = {"address": tried.address}
    error = _error(tried.ending)
    if error:
        line["error"] = error
    return line


def _ending_line(ending: Ending) -> Line:
    error = _error(ending)
    line: Line = {"end_ns": ending.at_ns, "outcome": _outcome(error)}
    if error:
        line["error"] = error
    if ending.reply is not None and ending.reply.region:
        line["region"] = ending.reply.region
        line["pop"] = ending.reply.pop
        line["backend"] = ending.reply.backend
    return line


def _outcome(error: str) -> str:
    """Return `info` where this host could not even try: nobody knows then."""
    if not error:
        return "ok"
    return "info" if error.startswith("local-") else "fail"


def _error(ending: Ending) -> str:
    return ending.reply.error if ending.reply is not None else ending.error

"""Clients, and the line that tells of one attempt of theirs."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from lab.agent.exchange import Ending
from lab.agent.plan import Behaviour, Cohort
from lab.agent.pool import Pool
from lab.agent.reach import Reached, Tried
from lab.agent.reply import Reply
from lab.agent.resolver import NoAnswer, Resolution
from lab.agent.stub import Choice, Stub

Line = dict[str, object]
#: Asks the client's resolver for the client's name.
Ask = Callable[[], asyncio.Future[Resolution]]


class Client:
    """A stub client: its name, its memory, and the question it waits for.

    Attributes:
        source: Address that it asks and connects from.
        pool: Its kept connection; None if it keeps none.
        port: That it connects from; 0 is any.
        cookie: The last one it was given, if it keeps them; it has one name to visit.
    """

    __slots__ = (
        "_asking",
        "_stub",
        "cohort",
        "cookie",
        "name",
        "pool",
        "port",
        "source",
    )

    def __init__(
        self,
        name: str,
        cohort: Cohort,
        *,
        source: str,
        pin_s: float,
        rng: random.Random,
        port: int = 0,
    ) -> None:
        """Remember nothing yet."""
        self.name = name
        self.cohort = cohort
        self.source = source
        self.port = port
        self.pool = Pool() if cohort.behaviour is Behaviour.POOL else None
        self.cookie = ""
        self._stub = Stub(cohort.behaviour, pin_s=pin_s, jitter=cohort.jitter, rng=rng)
        self._asking: asyncio.Future[Resolution] | None = None

    def forget(self) -> None:
        """Forget answer, pin and connection; what is now under way is not kept."""
        self._stub.forget()
        self._asking = None
        if self.pool is not None:
            self.pool.close()
            self.pool = Pool()

    def hear(self, reply: Reply | None) -> None:
        """Keep the cookie that a reply sets; caches forget, and this is none."""
        if self.cohort.cookies and reply is not None and reply.cookie:
            self.cookie = reply.cookie

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


def attempt_line(
    client: Client,
    *,
    due_ns: int,
    start_ns: int,
    found: Choice | NoAnswer,
    reached: Reached | None,
    tell_source: bool = False,
) -> Line:
    """Return the journal's line for an attempt, without empty fields.

    Args:
        client: Whose attempt it was.
        due_ns: When it was due.
        start_ns: When it began.
        found: The answer that it used, or why it had none.
        reached: What became of it then; None if it had no answer.
        tell_source: Whether the client's address is worth telling.
    """
    line: Line = {
        "type": "attempt",
        "client": client.name,
        "cohort": client.cohort.name,
        "due_ns": due_ns,
        "start_ns": start_ns,
    }
    if tell_source:
        line["source"] = client.source
    if isinstance(found, NoAnswer) or reached is None:
        assert isinstance(found, NoAnswer)
        ended = {"end_ns": found.at_ns, "outcome": "fail", "error": found.error}
        return {**line, **ended}
    line["answer"] = {
        "source": found.source,
        "addresses": list(found.answer.addresses),
        "ttl_s": found.answer.ttl_s,
        "received_ns": found.answer.received_ns,
    }
    line["tries"] = [_try_line(tried) for tried in reached.tries]
    return {**line, **_ending_line(reached.ending)}


def _try_line(tried: Tried) -> Line:
    line: Line = {"address": tried.address}
    error = _error(tried.ending)
    if error:
        line["error"] = error
        return line
    if tried.ending.connect_ms is not None:
        line["connect_ms"] = round(tried.ending.connect_ms, 3)
    if tried.ending.tls_ms is not None:
        line["tls_ms"] = round(tried.ending.tls_ms, 3)
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
    if ending.reply is not None and ending.reply.l7:
        line["l7"] = ending.reply.l7
    if ending.peer:
        line["certified"] = ending.peer
    return line


def _outcome(error: str) -> str:
    """Return `info` where this host could not even try: nobody knows then."""
    if not error:
        return "ok"
    return "info" if error.startswith("local-") else "fail"


def _error(ending: Ending) -> str:
    return ending.reply.error if ending.reply is not None else ending.error

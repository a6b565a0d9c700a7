"""The whole agent: the schedule's beat, the attempts, the commands, the figures."""

from __future__ import annotations

import asyncio
import gc
import time

from lab.agent.answers import AnswerWatch
from lab.agent.attempt import Client, attempt_line, reach
from lab.agent.commands import (
    Flush,
    Query,
    Refused,
    Stats,
    Stop,
    read_command,
    reply_line,
    resolution_facts,
)
from lab.agent.exchange import Ending, Exchange, Request
from lab.agent.journal import Sink
from lab.agent.lag import Lag
from lab.agent.plan import Cohort, WatchPlan
from lab.agent.resolver import NoAnswer, Resolution, Resolver
from lab.agent.schedule import Schedule

Line = dict[str, object]
_NS_PER_S = 1_000_000_000
#: Beat of the schedule: event loops count in milliseconds.
_BEAT_S = 0.001
#: How long a line may wait for company before it is written.
_FLUSH_S = 0.05
_REPORT_S = 1.0


class Agent:
    """Thousands of clients, one schedule, one loop."""

    def __init__(self, plan: WatchPlan, journal: Sink) -> None:
        """Open a socket per resolver; needs a running loop."""
        self._plan = plan
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._resolvers = {
            name: Resolver(
                self._loop, source=plan.source, address=address, port=plan.dns_port
            )
            for name, address in plan.resolvers.items()
        }
        self._clients = [
            Client(f"{cohort.name}#{number}", cohort, pin_s=plan.pin_s)
            for cohort in plan.cohorts
            for number in range(1, cohort.clients + 1)
        ]
        self._patient, self._hasty = (
            {cohort.name: request(plan, cohort, ms) for cohort in plan.cohorts}
            for ms in (plan.connect_timeout_ms, plan.retry_timeout_ms)
        )
        self._answers = AnswerWatch()
        self._lag = Lag()
        self._stopping = asyncio.Event()
        self._last_words: list[Line] = []

    async def run(self, commands: asyncio.Queue[str | None]) -> None:
        """Attempt and obey until told to stop; then let open attempts finish.

        Args:
            commands: Lines from standard input; None at its end, which is a stop.
        """
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                tasks.create_task(self._pace(tasks)),
                tasks.create_task(self._report()),
                tasks.create_task(self._flush_journal()),
                tasks.create_task(self._obey(commands, tasks)),
            ]
            await self._stopping.wait()
            for helper in helpers:
                helper.cancel()
        for resolver in self._resolvers.values():
            resolver.close()
        for line in (self._stats(), *self._last_words):
            self._journal.write(line)

    def stop(self) -> None:
        """Start no attempt from now on."""
        self._stopping.set()

    async def _pace(self, tasks: asyncio.TaskGroup) -> None:
        gc.freeze()  # the clients stay; walking over them costs milliseconds a time
        schedule = Schedule(
            self._plan.cohorts, seed=self._plan.seed, origin_ns=time.monotonic_ns()
        )
        while True:
            now_ns = time.monotonic_ns()
            for due_ns, number in schedule.due(now_ns):
                tasks.create_task(self._attempt(self._clients[number], due_ns))
            rest_ns = schedule.next_ns(now_ns + _NS_PER_S) - time.monotonic_ns()
            await asyncio.sleep(max(_BEAT_S, rest_ns / _NS_PER_S))

    async def _attempt(self, client: Client, due_ns: int) -> None:
        start_ns = time.monotonic_ns()
        self._lag.add(start_ns - due_ns)
        cohort = client.cohort
        found = await client.resolve(lambda: self._ask(cohort))
        tries = (
            []
            if isinstance(found, NoAnswer)
            else await reach(
                found.addresses,
                lambda address, more: self._exchange(cohort, address, more),
            )
        )
        self._journal.write(
            attempt_line(
                client, due_ns=due_ns, start_ns=start_ns, found=found, tries=tries
            )
        )

    def _exchange(
        self, cohort: Cohort, address: str, more: bool
    ) -> asyncio.Future[Ending]:
        requests = self._hasty if more else self._patient
        return Exchange(self._loop, requests[cohort.name]).begin(address)

    def _ask(self, cohort: Cohort) -> asyncio.Future[Resolution]:
        asked = self._resolvers[cohort.resolver].ask(
            absolute(cohort.qname, self._plan.zone)
        )
        asked.add_done_callback(lambda done: self._see(cohort, done))
        return asked

    def _see(self, cohort: Cohort, done: asyncio.Future[Resolution]) -> None:
        if done.cancelled() or isinstance(found := done.result(), NoAnswer):
            return
        for event in self._answers.see(cohort.resolver, cohort.qname, found):
            self._journal.write(event)

    async def _report(self) -> None:
        at_s = time.monotonic()
        while True:
            at_s += _REPORT_S
            await asyncio.sleep(at_s - time.monotonic())
            for event in self._answers.expire(time.monotonic_ns()):
                self._journal.write(event)
            self._journal.write(self._stats())

    def _stats(self) -> Line:
        return {"type": "stats", "t": time.monotonic_ns(), **self._lag.window()}

    async def _flush_journal(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            self._journal.flush()

    async def _obey(
        self, commands: asyncio.Queue[str | None], tasks: asyncio.TaskGroup
    ) -> None:
        while (line := await commands.get()) is not None:
            tasks.create_task(self._carry_out(line))
        self.stop()

    async def _carry_out(self, line: str) -> None:
        match read_command(line, resolvers=self._resolvers):
            case Flush(id=number):
                self._forget()
                reply = reply_line(number, t=time.monotonic_ns())
            case Query(id=number, resolver=resolver, qname=qname):
                name = absolute(qname, self._plan.zone)
                found = await self._resolvers[resolver].ask(name)
                reply = reply_line(number) | resolution_facts(found)
            case Stats(id=number):
                reply = reply_line(number) | self._lag.total()
            case Stop(id=number):
                self._last_words.append(reply_line(number))
                self.stop()
                return
            case Refused(id=unknown, error=error):
                reply = reply_line(unknown, ok=False, error=error)
        self._journal.write(reply)

    def _forget(self) -> None:
        self._answers.forget()
        for client in self._clients:
            client.forget()


def absolute(qname: str, zone: str) -> str:
    """Return the absolute name of a name in the zone."""
    return f"{qname}.{zone.rstrip('.')}."


def request(plan: WatchPlan, cohort: Cohort, timeout_ms: int) -> Request:
    """Return the request that a cohort's clients make."""
    host = absolute(cohort.qname, plan.zone).rstrip(".")
    wire = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    return Request(
        source=plan.source, port=plan.port, wire=wire, timeout_s=timeout_ms / 1000
    )

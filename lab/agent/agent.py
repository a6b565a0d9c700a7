"""The whole agent: the schedule's beat, the attempts, the commands, the figures."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import time
from collections import defaultdict

from lab.agent.answers import AnswerWatch
from lab.agent.attempt import Client, attempt_line
from lab.agent.burst import Burst, Questions, burst_facts
from lab.agent.caller import Caller, absolute
from lab.agent.commands import (
    Ask,
    Flush,
    Query,
    Refused,
    Stats,
    Stop,
    read_command,
    reply_line,
    resolution_facts,
)
from lab.agent.journal import Sink
from lab.agent.lag import Lag
from lab.agent.plan import WatchPlan
from lab.agent.resolver import NoAnswer, Resolution, Resolver
from lab.agent.schedule import Schedule

Line = dict[str, object]
_NS_PER_S = 1_000_000_000
#: Beat of the schedule: event loops count in milliseconds.
_BEAT_S = 0.001
#: How long a line may wait for company before it is written.
_FLUSH_S = 0.05
_REPORT_S = 1.0
#: From here on each client of a name that keeps its port has the next one; those of
#: other names, who go elsewhere, have the same. A client node reserves 10,240 of them.
_FIRST_PORT = 1024


class Agent:
    """Thousands of clients, one schedule, one loop."""

    def __init__(self, plan: WatchPlan, journal: Sink) -> None:
        """Talk to nobody yet; needs a running loop."""
        self._plan = plan
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._rng = random.Random(plan.seed)
        self._resolvers: dict[tuple[str, str], Resolver] = {}
        ports: dict[str, itertools.count[int]] = defaultdict(
            lambda: itertools.count(_FIRST_PORT)
        )
        self._clients = [
            Client(
                f"{cohort.name}#{number}",
                cohort,
                source=plan.sources[(number - 1) % len(plan.sources)],
                pin_s=plan.pin_s,
                rng=self._rng,
                port=next(ports[cohort.qname]) if cohort.keeps_port else 0,
            )
            for cohort in plan.cohorts
            for number in range(1, cohort.clients + 1)
        ]
        self._has_subnets = len(plan.sources) > 1
        self._caller = Caller(self._loop, plan, self._rng)
        self._bursts: set[asyncio.Task[None]] = set()
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
            for helper in (*helpers, *self._bursts):
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
        found, reached = await self._caller.visit(client, lambda: self._ask(client))
        self._journal.write(
            attempt_line(
                client,
                due_ns=due_ns,
                start_ns=start_ns,
                found=found,
                reached=reached,
                tell_source=self._has_subnets,
            )
        )

    def _ask(self, client: Client) -> asyncio.Future[Resolution]:
        cohort = client.cohort
        asked = self._resolver(cohort.resolver, client.source).ask(
            absolute(cohort.qname, self._plan.zone)
        )
        asked.add_done_callback(lambda done: self._see(client, done))
        return asked

    def _resolver(self, name: str, source: str) -> Resolver:
        """Return the resolver as it is asked from one source."""
        key = (name, source)
        if key not in self._resolvers:
            self._resolvers[key] = self._server(self._plan.resolvers[name], source)
        return self._resolvers[key]

    def _server(self, address: str, source: str) -> Resolver:
        port = self._plan.dns_port
        return Resolver(self._loop, source=source, address=address, port=port)

    def _see(self, client: Client, done: asyncio.Future[Resolution]) -> None:
        if done.cancelled() or isinstance(found := done.result(), NoAnswer):
            return
        cohort = client.cohort
        source = client.source if self._has_subnets else ""
        events = self._answers.see(cohort.resolver, cohort.qname, found, source=source)
        for event in events:
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
            tasks.create_task(self._carry_out(line, tasks))
        self.stop()

    async def _carry_out(self, line: str, tasks: asyncio.TaskGroup) -> None:
        plan = self._plan
        known = read_command(line, resolvers=plan.resolvers, sources=len(plan.sources))
        match known:
            case Flush(id=number):
                self._forget()
                reply = reply_line(number, t=time.monotonic_ns())
            case Query(id=number):
                reply = reply_line(number) | resolution_facts(await self._query(known))
            case Ask():
                task = tasks.create_task(self._burst(known))
                self._bursts.add(task)
                task.add_done_callback(self._bursts.discard)
                return
            case Stats(id=number):
                reply = reply_line(number) | self._lag.total()
            case Stop(id=number):
                self._last_words.append(reply_line(number))
                self.stop()
                return
            case Refused(id=unknown, error=error):
                reply = reply_line(unknown, ok=False, error=error)
        self._journal.write(reply)

    async def _query(self, query: Query) -> Resolution:
        name, source = absolute(query.qname, self._plan.zone), self._plan.sources[0]
        if query.resolver:
            return await self._resolver(query.resolver, source).ask(name)
        server = self._server(query.server, source)
        try:
            return await server.ask(name)
        finally:
            server.close()

    async def _burst(self, ask: Ask) -> None:
        questions = Questions(
            server=ask.server,
            port=self._plan.dns_port,
            name=absolute(ask.qname, self._plan.zone),
            count=ask.count,
            interval_us=ask.interval_us,
            subnets=ask.subnets,
            sources=self._plan.sources[: ask.users],
            recursion=ask.recursion,
        )
        with Burst(self._loop, questions, self._rng) as burst:
            asked = await burst.run()
        self._journal.write(reply_line(ask.id) | burst_facts(asked))

    def _forget(self) -> None:
        self._answers.forget()
        for client in self._clients:
            client.forget()

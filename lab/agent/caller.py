"""Makes what an attempt needs: an answer, connections, each as the client behaves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

from lab.agent.attempt import Ask, Client
from lab.agent.exchange import Ending, Exchange, Request
from lab.agent.plan import Behaviour, WatchPlan
from lab.agent.pool import Kept, Pool
from lab.agent.reach import Persistence, Reached, Tried, in_order, persist, race
from lab.agent.resolver import NoAnswer
from lab.agent.stub import Choice
from lab.agent.tls import trusting


class Caller:
    """The connections of all clients of an agent."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, plan: WatchPlan, rng: random.Random
    ) -> None:
        """Connect nowhere yet."""
        self._loop = loop
        self._plan = plan
        self._rng = rng
        self._persistence = Persistence(
            try_s=plan.sdk_try_ms / 1000,
            backoff_s=plan.sdk_backoff_ms / 1000,
            cap_s=plan.sdk_backoff_cap_ms / 1000,
            deadline_s=plan.sdk_deadline_ms / 1000,
        )
        secured = any(cohort.tls for cohort in plan.cohorts)
        self._tls = trusting(plan.lab) if secured else None
        self._requests: dict[tuple[str, tuple[str, int, str], int, bool], Request] = {}

    async def visit(
        self, client: Client, ask: Ask
    ) -> tuple[Choice | NoAnswer, Reached | None]:
        """Make one attempt; return the answer it used and what became of it."""
        if client.pool is not None:
            found, reached = await self._visit_pooled(client, client.pool, ask)
        else:
            found, reached = await self._visit_anew(client, ask)
        if reached is not None:
            client.hear(reached.ending.reply)
        return found, reached

    async def _visit_anew(
        self, client: Client, ask: Ask
    ) -> tuple[Choice | NoAnswer, Reached | None]:
        found = await client.resolve(ask)
        if isinstance(found, NoAnswer):
            return found, None
        return found, await self._reach(client, found.addresses)

    async def _visit_pooled(
        self, client: Client, pool: Pool, ask: Ask
    ) -> tuple[Choice | NoAnswer, Reached | None]:
        """Use the kept connection; a new one if there is none, or it ends unused."""
        earlier: tuple[Tried, ...] = ()
        request = self._request(client, self._plan.connect_timeout_ms, keep=True)
        if kept := pool.take():
            ending = await kept.exchange.again(request)
            pool.keep(kept)
            earlier = (Tried(kept.address, ending),)
            if not ending.unused:
                choice = replace(kept.choice, source="connection")
                return choice, Reached(earlier, ending)
        found = await client.resolve(ask)
        if isinstance(found, NoAnswer):
            return found, None
        opened: list[Exchange] = []

        def connect(address: str, _: bool) -> asyncio.Future[Ending]:
            opened.append(Exchange(self._loop, request))
            return opened[-1].begin(address)

        reached = await in_order(found.addresses, connect)
        pool.keep(Kept(opened[-1], reached.tries[-1].address, found))
        return found, Reached((*earlier, *reached.tries), reached.ending)

    async def _reach(self, client: Client, addresses: tuple[str, ...]) -> Reached:
        match client.cohort.behaviour:
            case Behaviour.HAPPY_EYEBALLS:
                return await self._race(client, addresses)
            case Behaviour.SDK:
                return await self._persist(client, addresses)
        plan = self._plan
        patient = self._request(client, plan.connect_timeout_ms)
        hasty = self._request(client, plan.retry_timeout_ms)
        return await in_order(
            addresses,
            lambda address, more: Exchange(
                self._loop, hasty if more else patient
            ).begin(address),
        )

    async def _race(self, client: Client, addresses: tuple[str, ...]) -> Reached:
        request = self._request(client, self._plan.connect_timeout_ms)
        until = self._loop.time() + request.timeout_s

        def start(gate: Callable[[Exchange], None] | None) -> Exchange:
            return Exchange(self._loop, request, until=until, gate=gate)

        return await race(addresses, start, delay_s=self._plan.race_delay_ms / 1000)

    async def _persist(self, client: Client, addresses: tuple[str, ...]) -> Reached:
        request = self._request(client, self._plan.sdk_try_ms)
        return await persist(
            addresses,
            lambda address, until: Exchange(self._loop, request, until=until).begin(
                address
            ),
            persistence=self._persistence,
            rng=self._rng,
            clock=self._loop.time,
        )

    def _request(
        self, client: Client, timeout_ms: int, *, keep: bool = False
    ) -> Request:
        who = (client.source, client.port, client.cookie)
        key = (client.cohort.name, who, timeout_ms, keep)
        if key not in self._requests:
            secured = client.cohort.tls
            self._requests[key] = Request(
                source=client.source,
                port=self._plan.tls_port if secured else self._plan.port,
                tls=self._tls if secured else None,
                host=_host(client, self._plan.zone),
                wire=_wire(client, self._plan.zone, keep=keep),
                timeout_s=timeout_ms / 1000,
                keep=keep,
                source_port=client.port,
            )
        return self._requests[key]


def _wire(client: Client, zone: str, *, keep: bool) -> bytes:
    """Return the client's request (RFC 9112, section 3)."""
    cohort = client.cohort
    lines = [
        f"GET {cohort.path} HTTP/1.1",
        f"Host: {_host(client, zone)}",
        f"Connection: {'keep-alive' if keep else 'close'}",
    ]
    if cohort.header:
        lines.append(cohort.header)
    if client.cookie:
        lines.append(f"Cookie: {client.cookie}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _host(client: Client, zone: str) -> str:
    return absolute(client.cohort.qname, zone).rstrip(".")


def absolute(qname: str, zone: str) -> str:
    """Return the absolute name of a name in the zone."""
    return f"{qname}.{zone.rstrip('.')}."

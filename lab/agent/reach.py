"""How clients reach one of several addresses: in order, in a race, or persistently.

Which connection is made with what is somebody else's work: see `caller`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lab.agent.exchange import CANCELLED, Ending, Exchange, family

#: Makes one exchange with an address; the flag says that another one is left.
Connect = Callable[[str, bool], Awaitable[Ending]]
#: Makes an exchange, not begun, that asks its gate when its connection stands.
Start = Callable[[Callable[[Exchange], None] | None], Exchange]
#: Makes one exchange with an address that ends by the given time.
ConnectUntil = Callable[[str, float], Awaitable[Ending]]


@dataclass(frozen=True, slots=True)
class Tried:
    """One address tried, and how that ended."""

    address: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class Reached:
    """All tries, in order of their start, and the ending that decided."""

    tries: tuple[Tried, ...]
    ending: Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """How an SDK tries again.

    Attributes:
        try_s: Its patience with one connection, and again with its reply.
        backoff_s: Most that it pauses after the first round; doubled with each one.
        cap_s: Most that it ever pauses.
        deadline_s: When it gives up.
    """

    try_s: float
    backoff_s: float
    cap_s: float
    deadline_s: float

    def pause_s(self, rounds: int, rng: random.Random) -> float:
        """Return the pause after so many rounds: backoff with full jitter.

        Source:
            AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
        """
        return rng.uniform(0, min(self.cap_s, self.backoff_s * 2 ** (rounds - 1)))


async def in_order(addresses: tuple[str, ...], connect: Connect) -> Reached:
    """Try the addresses in order until one replies.

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
    return Reached(tuple(tries), tries[-1].ending)


async def race(addresses: tuple[str, ...], start: Start, *, delay_s: float) -> Reached:
    """Race connections to the addresses; the first that stands carries the request.

    The next one sets out `delay_s` after the one before, or as soon as that failed.

    Source:
        RFC 8305, section 5.
    """
    runners: list[tuple[str, Exchange]] = []
    won: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def arrive(first: Exchange) -> None:
        won.set_result(None)
        for _, other in runners:
            if other is not first:
                other.cancel()
        first.ask()

    for address in interleaved(addresses):
        runner = start(arrive)
        runners.append((address, runner))
        ahead = (runner.begin(address), won)
        await asyncio.wait(ahead, timeout=delay_s, return_when=asyncio.FIRST_COMPLETED)
        if won.done():
            break
    tries = [Tried(address, await runner.done) for address, runner in runners]
    last = max(_in_earnest(tries), key=lambda t: (bool(t.ending.reply), t.ending.at_ns))
    if last.ending.unused:
        last = Tried(last.address, await start(None).begin(last.address))
        tries.append(last)
    return Reached(tuple(tries), last.ending)


async def persist(
    addresses: tuple[str, ...],
    connect: ConnectUntil,
    *,
    persistence: Persistence,
    rng: random.Random,
    clock: Callable[[], float],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Reached:
    """Try all addresses in rounds until one serves or the deadline comes.

    No try is begun that could not take its time. A server's error (5xx) is tried
    elsewhere, as SDKs do.
    """
    until = clock() + persistence.deadline_s
    tries: list[Tried] = []
    for number, address in enumerate(itertools.cycle(addresses)):
        rounds, place = divmod(number, len(addresses))
        pause_s = persistence.pause_s(rounds, rng) if rounds and not place else 0.0
        if tries and clock() + pause_s + persistence.try_s > until:
            break
        if pause_s:
            await pause(pause_s)
        tries.append(Tried(address, await connect(address, until)))
        if _is_final(tries[-1].ending):
            break
    return Reached(tuple(tries), tries[-1].ending)


def interleaved(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses with their families in turn, that of the first one first.

    Source:
        RFC 8305, section 4, with a First Address Family Count of 1.
    """
    ours = [a for a in addresses if family(a) is family(addresses[0])]
    theirs = [a for a in addresses if family(a) is not family(addresses[0])]
    turns = itertools.zip_longest(ours, theirs)
    return tuple(address for turn in turns for address in turn if address is not None)


def _is_final(ending: Ending) -> bool:
    if ending.reply is not None:
        return ending.reply.status < 500
    return ending.error.startswith("local-")


def _in_earnest(tries: list[Tried]) -> list[Tried]:
    """Return the tries that were not called off."""
    return [tried for tried in tries if tried.ending.error != CANCELLED]

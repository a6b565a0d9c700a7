"""The client agents of a run: started in the clients' nodes, asked, stopped."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

from lab.errors import NotReady
from lab.history import Attempt, Outcome
from lab.live.channel import Channel, Listener, Message, replies
from lab.live.fleet import Fleet
from lab.scenario import patience
from lab.scenario.model import Cohort
from lab.topology.model import Access, Topology

_ARGV = ("python3", "-m", "lab.agent")
#: An agent needs no privilege: it runs as an account that has none.
_USER = "nobody"
_SEED = 1
_REPLY_S = 5.0
#: Open attempts finish before an agent ends.
_STOP_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Pair:
    """A resolver and a name that it is asked for."""

    resolver: str
    qname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A resolver's answer for a name, and when it arrived (host's clock)."""

    pair: Pair
    ttl_s: int
    addresses: tuple[str, ...]
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What became of many questions for one name to one server.

    Attributes:
        errors: How many ended in which word (`dns-timeout`).
        first: How many answers began with which address.
        orders: How many answers had which addresses in which order (space between).
        moves: Consecutive answers that begin with another address.
        ttls: Least and greatest TTL.
        scopes: How many answers had which ECS scope prefix length.
        rtt_ms: Percentiles `p50`, `p95` and `p99` of the time an answer took.
        runs: Stays of a set of addresses: `addresses`, `first_ns`, `last_ns`, `count`.
        start_ns: When the first question was put; likewise `end_ns` the last answer.
    """

    asked: int
    answered: int
    errors: Mapping[str, int]
    first: Mapping[str, int]
    orders: Mapping[str, int]
    moves: int
    ttls: tuple[int, ...]
    scopes: Mapping[str, int]
    rtt_ms: Mapping[str, float]
    runs: tuple[Mapping[str, Any], ...]
    start_ns: int
    end_ns: int


def watch_plan(
    topology: Topology, access: Access, cohorts: tuple[Cohort, ...]
) -> dict[str, Any]:
    """Return what the agent in an access network is told first."""
    asked = {c.resolver for c in cohorts}
    return {
        "zone": topology.zone.name,
        "sources": [str(address) for address in access.clients.addresses],
        "resolvers": {
            r.name: str(r.address) for r in topology.resolvers if r.name in asked
        },
        "cohorts": [asdict(cohort) for cohort in cohorts],
        "pin_s": topology.timers.pin_s,
        "connect_timeout_ms": patience.CONNECT_MS,
        "retry_timeout_ms": patience.RETRY_MS,
        "race_delay_ms": patience.RACE_DELAY_MS,
        "sdk_try_ms": patience.SDK_TRY_MS,
        "sdk_backoff_ms": patience.SDK_BACKOFF_MS,
        "sdk_backoff_cap_ms": patience.SDK_BACKOFF_CAP_MS,
        "sdk_deadline_ms": patience.SDK_DEADLINE_MS,
        "port": 80,
        "lab": topology.name,
        "seed": _SEED,
    }


class Agents:
    """The agents of a run, one per access network that has cohorts."""

    def __init__(
        self, cohorts: tuple[Cohort, ...], channels: Mapping[str, Channel]
    ) -> None:
        """Use running agents; `channels` is by access network."""
        self.cohorts = cohorts
        self._channels = channels
        self._askers = {
            Pair(resolver=c.resolver, qname=c.qname): channels[c.access]
            for c in cohorts
        }

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every (resolver, name) that some cohort uses."""
        return tuple(sorted(self._askers))

    def flush(self) -> None:
        """Let all clients forget answers and pins."""
        asked = {name: c.request("flush") for name, c in self._channels.items()}
        replies(asked, _REPLY_S)

    def query(self) -> tuple[Sight, ...]:
        """Ask every resolver for each of its names once, all at the same time.

        Raises:
            CommandFailed: A resolver gave no answer.
        """
        asked = {
            pair: channel.request("query", resolver=pair.resolver, qname=pair.qname)
            for pair, channel in self._askers.items()
        }
        told = ((pair, request.reply(_REPLY_S)) for pair, request in asked.items())
        return tuple(_sight(pair, reply) for pair, reply in told)

    def burst(
        self,
        access: str,
        *,
        server: str,
        qname: str,
        count: int,
        interval_us: int,
        subnets: tuple[str, ...] = (),
        users: int = 1,
        recursion: bool = True,
    ) -> Burst:
        """Ask a server by address, again and again at an even pace.

        Args:
            access: Whose client node asks.
            server: Address of a resolver or an authority.
            qname: Name in the zone.
            count: How often.
            interval_us: From one question to the next.
            subnets: Client subnets to tell in turn (RFC 7871); none if empty.
            users: From how many of the client node's addresses, in turn.
            recursion: Whether recursion is desired.

        Raises:
            CommandFailed: The agent could not ask.
        """
        asked = self._channels[access].request(
            "burst",
            server=server,
            qname=qname,
            count=count,
            interval_us=interval_us,
            subnets=list(subnets),
            users=users,
            recursion=recursion,
        )
        reply = asked.reply(count * interval_us / 1e6 + _REPLY_S)
        return Burst(**{field.name: reply[field.name] for field in fields(Burst)})

    def stop(self) -> dict[str, Message]:
        """Let open attempts finish, end the agents, return their lag figures."""
        stats = {name: c.request("stats") for name, c in self._channels.items()}
        figures = replies(stats, _REPLY_S)
        replies({n: c.request("stop") for n, c in self._channels.items()}, _STOP_S)
        noise = {"type", "id", "ok"}
        return {
            name: {k: v for k, v in facts.items() if k not in noise}
            for name, facts in figures.items()
        }


def _sight(pair: Pair, reply: Message) -> Sight:
    return Sight(
        pair=pair,
        ttl_s=reply["ttl_s"],
        addresses=tuple(reply["addresses"]),
        at_ns=reply["t"],
    )


@contextmanager
def running_agents(
    fleet: Fleet,
    topology: Topology,
    cohorts: tuple[Cohort, ...],
    listener: Listener,
    *,
    also: Collection[str] = (),
) -> Iterator[Agents]:
    """Start an agent in each access network with cohorts; end them on the way out.

    Args:
        fleet: The lab.
        topology: The one in force.
        cohorts: Who attempts.
        listener: Takes (node, message) of all agents, in the reader's thread.
        also: Access networks that get an agent without any cohort.
    """
    channels: dict[str, Channel] = {}
    try:
        for access in topology.access:
            here = tuple(c for c in cohorts if c.access == access.name)
            if here or access.name in also:
                node = access.clients.name
                connection = fleet.execute(node, *_ARGV, user=_USER)
                channel = Channel(node, connection, listener=listener, kind_key="type")
                channels[access.name] = channel
                channel.open(fleet.read)
                channel.send(watch_plan(topology, access, here))
        yield Agents(cohorts, channels)
    finally:  # an agent ends at the end of its input
        for channel in channels.values():
            channel.hang_up()


class FirstReplies:
    """Which clients have had a good reply; told by one thread, asked by another."""

    def __init__(self, cohorts: tuple[Cohort, ...]) -> None:
        """Wait for every client of these cohorts."""
        self._wanted = {c.name: c.clients for c in cohorts}
        self._served: dict[str, set[str]] = {c.name: set() for c in cohorts}
        self._errors: dict[str, str] = {}
        self._missing = sum(self._wanted.values())
        self._settled = threading.Event()
        if not cohorts:
            self._settled.set()

    def see(self, attempt: Attempt) -> None:
        """Take note of an attempt."""
        if self._settled.is_set():
            return
        served = self._served[attempt.cohort]
        if attempt.outcome is not Outcome.OK:
            self._errors[attempt.cohort] = attempt.error
        elif attempt.client not in served:
            served.add(attempt.client)
            self._missing -= 1
        if not self._missing:
            self._settled.set()

    def abandon(self) -> None:
        """Let nobody wait any more."""
        self._settled.set()

    def wait(self, deadline_s: float) -> None:
        """Return once every client has had a good reply, or nobody cares any more.

        Raises:
            NotReady: Some have not; names their cohorts and how they failed last.
        """
        if self._settled.wait(deadline_s):
            return
        lines = [f"clients without a good reply after {deadline_s:g} s:"]
        for cohort, served in self._served.items():
            missing = self._wanted[cohort] - len(served)
            if missing:
                last = self._errors.get(cohort, "no attempt has ended")
                lines.append(f"    {cohort}: {missing}, last: {last}")
        raise NotReady("\n".join(lines))

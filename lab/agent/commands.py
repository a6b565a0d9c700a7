"""Commands from standard input, one JSON object a line, and the replies to them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from lab.agent.burst import SHORTEST_INTERVAL_US
from lab.agent.plan import is_address
from lab.agent.resolver import NoAnswer, Resolution

Line = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """Forget all cached answers and pins."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Ask a resolver, or any server by its address, once, past all clients."""

    id: int
    qname: str
    resolver: str = ""
    server: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask a server many times.

    Attributes:
        subnets: Client subnets to tell in turn.
        users: From how many of the agent's addresses.
    """

    id: int
    server: str
    qname: str
    count: int
    interval_us: int
    subnets: tuple[str, ...] = ()
    users: int = 1
    recursion: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Tell the figures since the start."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Let open attempts finish, then end."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A line that is no command, and why."""

    id: int | None
    error: str


Command = Flush | Query | Ask | Stats | Stop | Refused


def read_command(line: str, *, resolvers: Collection[str], sources: int = 1) -> Command:
    """Return the command on that line, or why it is none.

    Args:
        line: One JSON object.
        resolvers: Names of those that can be asked.
        sources: How many addresses the agent has.
    """
    try:
        raw = json.loads(line)
    except json.JSONDecodeError as error:
        return Refused(id=None, error=f"not JSON: {error}")
    match raw:
        case {"id": int(number), "do": "flush"}:
            return Flush(id=number)
        case {"id": int(number), "do": "stats"}:
            return Stats(id=number)
        case {"id": int(number), "do": "stop"}:
            return Stop(id=number)
        case {
            "id": int(number),
            "do": "query",
            "resolver": str(resolver),
            "qname": str(qname),
        }:
            if resolver in resolvers:
                return Query(id=number, resolver=resolver, qname=qname)
            allowed = ", ".join(resolvers)
            problem = f'unknown resolver "{resolver}"; allowed: {allowed}'
            return Refused(id=number, error=problem)
        case {
            "id": int(number),
            "do": "query",
            "server": str(server),
            "qname": str(qname),
        }:
            if is_address(server):
                return Query(id=number, server=server, qname=qname)
            return Refused(id=number, error=_no_address("server", server))
        case {
            "id": int(number),
            "do": "burst",
            "server": str(),
            "qname": str(),
            "count": int(),
            "interval_us": int(),
            **rest,
        }:
            return _ask(number, raw, rest, sources)
    given = raw.get("id") if isinstance(raw, dict) else None
    return Refused(
        id=given if isinstance(given, int) else None,
        error="not a command; allowed: flush, query (resolver or server, qname), burst "
        "(server, qname, count, interval_us), stats, stop",
    )


_OPTIONAL = ("subnets", "users", "recursion")


def _ask(
    number: int, raw: dict[str, Any], rest: dict[Any, Any], sources: int
) -> Ask | Refused:
    """Return the burst that is asked for, or all that is wrong with it."""
    problems = [
        f'burst: unknown key "{key}"; allowed: {", ".join(_OPTIONAL)}'
        for key in rest
        if key not in _OPTIONAL
    ]
    if not is_address(raw["server"]):
        problems.append(_no_address("server", raw["server"]))
    for key, least in (("count", 1), ("interval_us", SHORTEST_INTERVAL_US)):
        if raw[key] < least:
            problems.append(f"{key} is {raw[key]}; must be at least {least}")
    users = rest.get("users", 1)
    if users not in range(1, sources + 1):
        problems.append(f"users is {users!r}; must be from 1 to {sources}")
    subnets = rest.get("subnets", [])
    if not isinstance(subnets, list):
        problems.append(f"subnets is {subnets!r}; must be a list of prefixes")
    else:
        problems += [
            f'subnets holds "{subnet}"; must be a prefix such as 198.18.32.0/24'
            for subnet in subnets
            if not _is_prefix(subnet)
        ]
    if problems:
        return Refused(id=number, error="; ".join(problems))
    return Ask(
        id=number,
        server=raw["server"],
        qname=raw["qname"],
        count=raw["count"],
        interval_us=raw["interval_us"],
        subnets=tuple(subnets),
        users=users,
        recursion=bool(rest.get("recursion", True)),
    )


def _no_address(key: str, value: str) -> str:
    return f'{key} is "{value}"; must be an IP address'


def _is_prefix(value: object) -> bool:
    try:
        ip_network(str(value))
    except ValueError:
        return False
    return True


def reply_line(number: int | None, *, ok: bool = True, **facts: object) -> Line:
    """Return the reply to a command."""
    return {"type": "reply", "id": number, "ok": ok, **facts}


def resolution_facts(found: Resolution) -> Line:
    """Return what a reply tells of a resolution; `t` is when the answer came."""
    if isinstance(found, NoAnswer):
        word = found.error.removeprefix("dns-")
        return {"ok": False, "error": found.error, "rcode": word, "t": found.at_ns}
    return {
        "addresses": list(found.addresses),
        "ttl_s": found.ttl_s,
        "rcode": "noerror",
        "t": found.received_ns,
    }

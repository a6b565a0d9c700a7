"""Commands from standard input, one JSON object a line, and the replies to them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from lab.agent.resolver import NoAnswer, Resolution

Line = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """Forget all cached answers and pins."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Ask a resolver once, past all clients."""

    id: int
    resolver: str
    qname: str


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


Command = Flush | Query | Stats | Stop | Refused


def read_command(line: str, *, resolvers: Collection[str]) -> Command:
    """Return the command on that line, or why it is none."""
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
    given = raw.get("id") if isinstance(raw, dict) else None
    return Refused(
        id=given if isinstance(given, int) else None,
        error="not a command; allowed: flush, query (resolver, qname), stats, stop",
    )


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

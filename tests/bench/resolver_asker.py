"""Asks resolvers again and again, inside a client node; tells when an answer changes.

Argument: a JSON object with `servers`, `name`, `source`, `every_s`, `for_s`,
`patience_s`, and perhaps `rest_s` and `phase_s`: how long to wait before the first
question, and then for which fraction of a second on the wall clock. Output:
{server: [[at_s, took_s, rcode, ttl], …]}, an entry for each answer that differs from
the one before by more than a falling TTL.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode

NOTHING = "nothing"
#: (rcode, TTL), the TTL None without an answer.
Reply = tuple[str, int | None]


async def ask(server: str, plan: dict[str, Any]) -> Reply:
    query = dns.message.make_query(plan["name"], "A")
    try:
        reply = await dns.asyncquery.udp(
            query, server, timeout=plan["patience_s"], source=plan["source"]
        )
    except dns.exception.Timeout:
        return NOTHING, None
    ttl = reply.answer[0].ttl if reply.answer else None
    return dns.rcode.to_text(reply.rcode()), ttl


async def watch(server: str, plan: dict[str, Any], start: float) -> list[list[Any]]:
    now = asyncio.get_running_loop().time
    told: list[list[Any]] = []
    before: Reply = ("", None)
    before_s = start
    for k in range(int(plan["for_s"] / plan["every_s"])):
        due = start + k * plan["every_s"]
        if due < now() - plan["every_s"]:
            continue  # the answer before took longer than that
        await asyncio.sleep(max(0.0, due - now()))
        at = now()
        answer = await ask(server, plan)
        took_s = now() - at
        if _is_news(before, answer, elapsed_s=now() - before_s):
            told.append([round(at - start, 3), round(took_s, 3), *answer])
        before, before_s = answer, at
    return told


def _is_news(before: Reply, answer: Reply, *, elapsed_s: float) -> bool:
    """Tell whether more has changed than a TTL that falls once a second."""
    if answer[0] != before[0] or answer[1] is None or before[1] is None:
        return answer != before
    fell = before[1] - answer[1]
    return fell < 0 or fell > elapsed_s + 1


async def main() -> None:
    plan = json.loads(sys.argv[1])
    await asyncio.sleep(plan.get("rest_s", 0.0))
    if "phase_s" in plan:
        await asyncio.sleep((plan["phase_s"] - time.time()) % 1)
    start = asyncio.get_running_loop().time()
    tasks = [watch(server, plan, start) for server in plan["servers"]]
    told = await asyncio.gather(*tasks)
    print(json.dumps(dict(zip(plan["servers"], told, strict=True))))


if __name__ == "__main__":
    asyncio.run(main())

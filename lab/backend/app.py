"""The backend's paths: `/shallow` and `/deep` are health checks, all else the service.

`/shallow` answers while the process lives. `/deep` also tells that the region is being
drained, which is so while the file `/run/lab/draining` is there, or that it is browned
out (`/run/lab/browned-out`): then users fail too, and only `/shallow` is content.

Beyond its capacity a backend refuses users' requests at once, or lets everything that
it is asked wait in one line, health checks and those who have gone away included.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lab.backend.capacity import Capacity, Line

DRAINING = "/run/lab/draining"
BROWNED_OUT = "/run/lab/browned-out"

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
#: The two messages of a reply.
Reply = tuple[Message, Message]

_VARIABLES = (
    "LAB_REGION",
    "LAB_POP",
    "LAB_BACKEND",
    "LAB_CAPACITY_RPS",
    "LAB_BEYOND",
)
_NS_PER_S = 1_000_000_000


def create() -> Application:
    """Return the application that the environment describes, for `uvicorn --factory`.

    Raises:
        SystemExit: A variable is missing.
    """
    missing = [name for name in _VARIABLES if not os.environ.get(name)]
    if missing:
        raise SystemExit(f"backend: not in the environment: {', '.join(missing)}")
    return application(os.environ)


def application(
    environment: Mapping[str, str],
    *,
    draining: str = DRAINING,
    browned_out: str = BROWNED_OUT,
    clock_ns: Callable[[], int] = time.monotonic_ns,
) -> Application:
    """Return the application.

    Args:
        environment: `LAB_REGION`, `LAB_POP`, `LAB_BACKEND`, `LAB_CAPACITY_RPS`, and
            `LAB_BEYOND`: `refuse` or `queue`.
        draining: File that is there while the region is drained.
        browned_out: File that is there while the region is browned out.
        clock_ns: What the capacity is measured with.
    """
    rate_rps = float(environment["LAB_CAPACITY_RPS"])
    queues = environment["LAB_BEYOND"] == "queue"
    capacity, line = Capacity(rate_rps, now_ns=clock_ns()), Line(rate_rps)
    identity = {
        "region": environment["LAB_REGION"],
        "pop": environment["LAB_POP"],
        "backend": environment["LAB_BACKEND"],
    }
    served = reply(200, identity)
    healthy = reply(200, {"status": "ok"})
    drained = reply(503, {"error": "draining"})
    failed = reply(500, {"error": "brown-out"})
    failing = reply(503, {"error": "brown-out"})
    refused = reply(503, {"error": "overload"}, (b"x-overload", b"1"))

    def answer(path: str) -> Reply:
        if path == "/shallow":
            return healthy
        if path == "/deep":
            if os.path.exists(browned_out):
                return failing
            return drained if os.path.exists(draining) else healthy
        if os.path.exists(browned_out):
            return failed
        return served if queues or capacity.admits(clock_ns()) else refused

    async def respond(scope: Message, receive: Receive, send: Send) -> None:
        if queues and (wait_ns := line.wait_ns(clock_ns())):
            await asyncio.sleep(wait_ns / _NS_PER_S)
        start, body = answer(scope["path"])
        await send(start)
        await send(body)

    return respond


def reply(status: int, content: object, *headers: tuple[bytes, bytes]) -> Reply:
    """Return a reply with a JSON body, ready to send as often as needed."""
    body = json.dumps(content).encode()
    always = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    )
    return (
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*always, *headers],
        },
        {"type": "http.response.body", "body": body},
    )

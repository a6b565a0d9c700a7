"""A backend: our own ASGI application under uvicorn."""

from __future__ import annotations

from ipaddress import IPv4Address

from lab.plan.model import Condition, Process
from lab.render.model import Rendered
from lab.topology.model import Backend


def render(name: str, region: str, address: IPv4Address, declared: Backend) -> Rendered:
    """Return a backend that says its region, its PoP and its name in each reply."""
    argv = (
        "python3 -m uvicorn --factory lab.backend.app:create --loop uvloop"
        " --http httptools --no-access-log --lifespan off --no-server-header"
        " --no-date-header --timeout-keep-alive 3600 --log-level info"
        f" --host {address} --port 80"
    )
    environment = (
        ("LAB_BACKEND", name),
        ("LAB_BEYOND", declared.beyond.value),
        ("LAB_CAPACITY_RPS", str(declared.capacity_rps)),
        ("LAB_POP", region),
        ("LAB_REGION", region),
    )
    args = {"host": str(address), "port": 80, "path": "/deep"}
    return Rendered(
        files=(),
        processes=(Process(name="backend", argv=tuple(argv.split()), env=environment),),
        conditions=(Condition(text="deep check passes", kind="http", args=args),),
        tmpfs=(),
        capabilities=(),
        memory_mb=96,
    )

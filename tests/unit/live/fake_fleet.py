"""Nodes that obey at once and remember it, in a fleet that no engine carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import docker

from lab.live.channel import Listener, Request
from lab.live.engine import Engine
from lab.live.fleet import Fleet, Member
from lab.plan.model import Role

ADDRESS = "198.18.0.53"
#: (name, role, site)
SMALL = (
    ("red-edge", Role.EDGE, "red"),
    ("red-l4-1", Role.L4, "red"),
    ("red-be-1", Role.BACKEND, "red"),
    ("blue-edge", Role.EDGE, "blue"),
    ("blue-be-1", Role.BACKEND, "blue"),
    ("transit", Role.TRANSIT, "transit"),
    ("provider", Role.PROVIDER, "transit"),
    ("access", Role.ACCESS, "access"),
    ("honest", Role.RESOLVER, "access"),
    ("users", Role.CLIENTS, "access"),
)
#: {link: {node: its address}}; those of `LONG` can get longer, at that end.
LINKS = {
    "access-lan": {"access": "10.0.0.2", "honest": "10.0.0.3", "users": "10.0.0.4"},
    "access-uplink": {"transit": "10.0.0.66", "access": "10.0.0.67"},
    "red-uplink": {"transit": "10.0.0.130", "red-edge": "10.0.0.131"},
}
LONG = {"transit": ["10.0.0.66"]}


@dataclass(kw_only=True)
class FakeNode:
    """Stands in for a channel; what is due later is done at that very instant."""

    name: str
    log: list[str]
    hear: Listener
    processes: tuple[str, ...] = ("daemon",)
    relays: tuple[str, ...] = ()
    dead: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    cut: bool = False
    uncuttable: str = ""
    barred: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    impaired: dict[str, dict[str, float]] = field(default_factory=dict)
    late_ns: int = 0

    def request(self, do: str, *, at_ns: int | None = None, **facts: Any) -> Request:
        request = Request(f"{self.name}: {do}")
        request.armed.set_result(None)
        request.done.set_result({"ok": True, **self._do(do, facts, at_ns or 0)})
        return request

    def _do(self, do: str, facts: dict[str, Any], at_ns: int) -> dict[str, Any]:
        if do == "status":
            return {
                "processes": [*self.relays, *self.processes],
                "running": [p for p in self.processes if p not in self.dead],
                "frozen": sorted(self.frozen),
                "own": list(self.processes),
                "loopbacks": [ADDRESS],
                "cut": self.cut,
                "uncuttable": self.uncuttable,
                "impaired": self.impaired,
                "lengthens": LONG.get(self.name, []),
            }
        if do == "barred":
            return {"addresses": sorted(self.barred)}
        stamps = {"before_ns": at_ns, "after_ns": at_ns + self.late_ns}
        if do == "run":
            return stamps | {"status": self._run(*facts["argv"]), "stdout": ""}
        if do == "check":
            self.hear(self.name, {"kind": "all-ready", "t": 2})
            return {"t": 1}
        if do in {"lose", "slow"}:
            return stamps | self._impair(do, **facts)
        only = facts.get("process", "")
        self._suffer(do, {only} - {""} or set(facts.get("addresses", ())))
        self.cut |= bool(facts.get("every_port"))
        told = {"silent_ns": [at_ns, at_ns + 1]}
        return stamps | (told if do in {"power-off", "hang"} else {})

    def _impair(self, do: str, *, address: str, **amounts: float) -> dict[str, Any]:
        self.log.append(f"{self.name} {do} {address} {amounts}")
        known = self.impaired.get(address, {}) | amounts
        self.impaired[address] = {name: much for name, much in known.items() if much}
        return {}

    def _suffer(self, do: str, told: set[str]) -> None:
        """Obey a verb about some processes, all of them, or some addresses."""
        self.log.append(" ".join((self.name, do, *sorted(told))))
        which = told or set(self.processes)
        match do:
            case "power-off" | "crash" | "stop":
                self.dead |= which
                self.frozen -= which
            case "hang":
                self.frozen |= which - self.dead  # a dead process takes no signal
            case "isolate":
                self.cut = True
            case "shut-out":
                self.barred |= told
            case "let-in":
                self.barred -= told
            case "restore":
                self.dead -= which
                self.frozen -= which
                self.cut &= bool(told)

    def _run(self, program: str, *words: str) -> int:
        if program == "test":
            return int(words[-1] not in self.files)
        self.log.append(" ".join((self.name, program, *words)))
        if program == "touch":
            self.files |= set(words)
        if program == "sh":  # `touch FILE && …`
            self.files.add(words[-1].split()[1])
            return int("bird" in self.dead)
        if program == "rm":
            self.files -= set(words)
        return 0


@contextmanager
def small_fleet() -> Iterator[tuple[Fleet, dict[str, FakeNode], list[str]]]:
    """Yield a fleet, its nodes, and the log of all that they were told to do."""
    log: list[str] = []
    with (
        Engine(docker.APIClient(version="1.41")) as engine,
        closing(Fleet(engine)) as fleet,
    ):
        nodes = {
            name: FakeNode(name=name, log=log, hear=fleet._hear) for name, _, _ in SMALL
        }
        nodes["red-l4-1"].processes = ("envoy", "announcer")
        for name, role, site in SMALL:
            fleet.members[name] = Member(
                node=name,
                role=role,
                site=site,
                stem="bird",
                container=name,
                links={
                    link: ends[name] for link, ends in LINKS.items() if name in ends
                },
            )
        fleet.channels.update(nodes)
        yield fleet, nodes, log

"""`python3 -m lab.node`: the first process of a container."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from lab.node import network
from lab.node.commands import VERBS, Effect, stop_all
from lab.node.daemons import Daemon
from lab.node.delay import Impossible, lengthen
from lab.node.gate import Gate
from lab.node.probes import forget, heard, listen_for
from lab.node.readiness import Readiness
from lab.node.speak import say
from lab.node.spec import Spec, read_spec, write_files


class Node:
    """The node: its orders, its daemons, its one loop."""

    def __init__(self, spec: Spec) -> None:
        """Set the network up, start the daemons, begin to watch the conditions."""
        network.configure(spec)
        relays = lengthen(spec.delays)
        self.spec = replace(spec, processes=[*relays, *spec.processes])
        self.ports = network.port_names()
        self.impaired: dict[str, dict[str, float]] = {}
        self.gate = Gate(network.outer_ports(self.ports)[0]) if spec.gate else None
        self._selector = selectors.DefaultSelector()
        self._armed: list[tuple[int, int, Effect]] = []
        self._stopping = False
        self._routes: dict[str, list[str]] = {}
        self._commands = b""
        self.daemons: dict[str, Daemon] = {}
        if spec.keep_net_admin:
            monitor = network.monitor_routes()
            threading.Thread(target=self._tell_routes, args=[monitor]).start()
        else:
            network.drop_net_admin()
        self._wake_on_sigterm()
        self._listen(sys.stdin.fileno(), self._obey)
        listen_for(spec.conditions)
        self.start_missing()
        say("started", wall_ns=time.time_ns())
        self.readiness = Readiness(spec.conditions)

    def start_missing(self, only: str = "") -> None:
        """Start every daemon that does not run, or `only` one."""
        for process in self.spec.processes:
            if only not in ("", process["name"]):
                continue
            old = self.daemons.get(process["name"])
            if old and old.running and not old.expected_exit:
                continue
            if old:  # one that was killed a moment ago ends first
                self._bury(old)
            forget(process["name"])
            daemon = self.daemons[process["name"]] = Daemon(process)
            self._listen(daemon.output.fileno(), partial(self._forward, daemon))
            self._listen(daemon.exit_fd, partial(self._bury, daemon))

    def loop(self) -> None:
        """Serve until told to end."""
        while not self._stopping:
            for key, _ in self._selector.select(self._until_next()):
                key.data()
            self._fire_due()
        stop_all(self)
        say("stopped")

    def _until_next(self) -> float | None:
        if not self._armed:
            return None
        return max(0.0, (min(self._armed)[0] - time.monotonic_ns()) / 1e9)

    def _fire_due(self) -> None:
        for due in sorted(self._armed, key=lambda a: a[0]):
            if due[0] <= time.monotonic_ns():
                self._armed.remove(due)
                self._reply(due[1], due[2])

    def _obey(self) -> None:
        chunk = os.read(sys.stdin.fileno(), 65536)
        if not chunk:
            self._unlisten(sys.stdin.fileno())
            return
        *lines, self._commands = (self._commands + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                self._command(json.loads(line))

    def _command(self, command: dict[str, Any]) -> None:
        number = command["id"]
        if command["do"] not in VERBS:
            say("reply", id=number, ok=False, error=f"no verb {command['do']!r}")
            return
        effect = VERBS[command["do"]](self, command)
        if "at_ns" in command:
            self._armed.append((command["at_ns"], number, effect))
            say("armed", id=number)
        elif command["do"] == "run":
            threading.Thread(target=self._reply, args=[number, effect]).start()
        else:
            self._reply(number, effect)

    def _reply(self, number: int, effect: Effect) -> None:
        try:
            say("reply", id=number, ok=True, **effect())
        except Exception as exc:
            say("reply", id=number, ok=False, error=f"{type(exc).__name__}: {exc}")

    def _forward(self, daemon: Daemon) -> None:
        if daemon.output.closed:  # it was buried in this very round
            return
        for line in daemon.lines():
            say("log", process=daemon.name, line=line)
            heard(daemon.name, line)
        if daemon.silent:
            self._unlisten(daemon.output.fileno())

    def _bury(self, daemon: Daemon) -> None:
        if daemon.output.closed:
            return
        status = daemon.popen.wait()
        self._forward(daemon)
        self._unlisten(daemon.output.fileno())
        self._unlisten(daemon.exit_fd)
        daemon.close()
        expected = daemon.expected_exit
        say("exited", process=daemon.name, status=status, expected=expected)

    def _tell_routes(self, monitor: IO[str]) -> None:
        for line in monitor:
            parsed = network.parse_route_line(line)
            if parsed is None:
                continue
            prefix, via, deleted = parsed
            if deleted:
                change = "removed"
                self._routes.pop(prefix, None)
            else:
                change = "changed" if prefix in self._routes else "added"
                self._routes[prefix] = via
            say("route", change=change, prefix=prefix, via=via)

    def _listen(self, fd: int, react: Callable[[], None]) -> None:
        self._selector.register(fd, selectors.EVENT_READ, react)

    def _unlisten(self, fd: int) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def _wake_on_sigterm(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        self._listen(reader, partial(_drain, reader))

    def _end(self) -> None:
        self._stopping = True


def _drain(fd: int) -> None:
    os.read(fd, 64)


def main() -> None:
    """Read the orders from the environment and carry them out."""
    Path("/run/lab").mkdir(parents=True, exist_ok=True)
    write_files(os.environ.pop("LAB_FILES", ""))
    spec = read_spec(dict(os.environ))
    os.environ.pop("LAB_NODE")
    try:
        Node(spec).loop()
    except Impossible as exc:
        say("unfit", why=str(exc))
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()

"""The verbs that a node obeys, as functions of the node's state.

Each returns the facts for the reply. A verb whose effect has a moment worth knowing
brackets it with `before_ns` and `after_ns`.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from typing import Any, Protocol

from lab.node import loss, network
from lab.node.daemons import Daemon, timed
from lab.node.delay import RELAY, can_lengthen, lengthen_by
from lab.node.gate import Gate
from lab.node.readiness import Readiness
from lab.node.speak import say
from lab.node.spec import Spec


class State(Protocol):
    """What the verbs work on; `lab.node.__main__.Node` is one.

    Attributes:
        ports: {address: port} of the node's ends of links.
        impaired: {address: {"loss", "extra_ms"}} of the ends that are as no link should
            be, with how much it is.
        gate: Its own, if it is a host that has one.
    """

    spec: Spec
    ports: dict[str, str]
    impaired: dict[str, dict[str, float]]
    gate: Gate | None
    daemons: dict[str, Daemon]
    readiness: Readiness

    def start_missing(self, only: str = "") -> None:
        """Start every daemon that does not run, or `only` one."""


Effect = Callable[[], dict[str, Any]]


def status(node: State, _: dict[str, Any]) -> Effect:
    """Say what runs, which conditions do not hold, and the node's own addresses."""

    def effect() -> dict[str, Any]:
        waiting = node.readiness.waiting()
        for condition, last in waiting.items():
            say("waiting", condition=condition, last=last)
        daemons = node.daemons.values()
        return {
            "processes": [p["name"] for p in node.spec.processes],
            "running": [d.name for d in daemons if d.running],
            "frozen": [d.name for d in daemons if d.frozen],
            "own": [d.name for d in _own(node)],
            "waiting": len(waiting),
            "loopbacks": node.spec.loopbacks,
            "cut": network.is_cut(node.ports.values()) or _is_closed(node),
            "uncuttable": node.gate.why_not if node.gate else "",
            "impaired": node.impaired,
            "lengthens": [a for a in _own_ends(node) if can_lengthen(_delay(node, a))],
        }

    return effect


def check(node: State, _: dict[str, Any]) -> Effect:
    """Evaluate all conditions anew."""

    def effect() -> dict[str, Any]:
        node.readiness.check_again()
        return {}

    return effect


def power_off(node: State, command: dict[str, Any]) -> Effect:
    """Freeze every daemon, cut the boundary links, kill: nobody outside hears a FIN.

    Taking a link down may wait for other work of the kernel; frozen before, the node
    says its last word at a moment better known than that (`silent_ns`).
    With `every_port` the other links too: it dies alone, and not with its site.
    """

    def effect() -> dict[str, Any]:
        frozen = timed(lambda: _signal_all(node, signal.SIGSTOP))
        cut = timed(lambda: _cut(node, command))
        _kill_all(node)
        return {**frozen, "after_ns": cut["after_ns"], **_silent(frozen)}

    return effect


def isolate(node: State, command: dict[str, Any]) -> Effect:
    """Cut the boundary links, or with `every_port` all; its daemons go on."""
    return lambda: dict(timed(lambda: _cut(node, command)))


def _cut(node: State, command: dict[str, Any]) -> None:
    if not command.get("every_port"):
        network.cut_links(node.ports[address] for address in node.spec.boundary)
    elif node.gate:
        node.gate.close()
    else:
        network.cut_links(network.outer_ports(node.ports))


def _is_closed(node: State) -> bool:
    return node.gate is not None and node.gate.closed


def crash(node: State, command: dict[str, Any]) -> Effect:
    """Kill every daemon, or one `process`; the kernel closes their sockets."""
    return lambda: dict(timed(lambda: _kill_all(node, command.get("process", ""))))


def stop(node: State, _: dict[str, Any]) -> Effect:
    """End the daemons in order, last started first."""

    def effect() -> dict[str, Any]:
        return dict(timed(lambda: stop_all(node)))

    return effect


def hang(node: State, command: dict[str, Any]) -> Effect:
    """Freeze every daemon, or one `process`."""

    def effect() -> dict[str, Any]:
        only = command.get("process", "")
        frozen = timed(lambda: _signal_all(node, signal.SIGSTOP, only))
        return {**frozen, **({} if only else _silent(frozen))}

    return effect


def _silent(stamps: dict[str, int]) -> dict[str, Any]:
    """Return between which moments the daemons' last packets left."""
    return {"silent_ns": [stamps["before_ns"], stamps["after_ns"]]}


def resume(node: State, _: dict[str, Any]) -> Effect:
    """Let frozen daemons go on."""
    return lambda: dict(timed(lambda: _signal_all(node, signal.SIGCONT)))


def shut_out(_: State, command: dict[str, Any]) -> Effect:
    """Keep the hosts with these addresses off the network; routers only."""
    return lambda: dict(timed(lambda: network.shut_out(command["addresses"])))


def let_in(_: State, command: dict[str, Any]) -> Effect:
    """Let the hosts with these addresses back in."""
    return lambda: dict(timed(lambda: network.let_in(command["addresses"])))


def barred(_: State, __: dict[str, Any]) -> Effect:
    """Say which hosts' addresses are kept off the network."""
    return lambda: {"addresses": network.barred()}


def lose(node: State, command: dict[str, Any]) -> Effect:
    """Lose a share (`loss`) of all that arrives by a link, or none; routers only."""
    address, share = command["address"], command["loss"]

    def change() -> None:
        if share:
            loss.lose(node.ports[address], share)
        elif "loss" in node.impaired.get(address, {}):
            loss.lose_nothing(node.ports[address])
        _remember(node, address, loss=share)

    return lambda: dict(timed(change))


def slow(node: State, command: dict[str, Any]) -> Effect:
    """Make a link longer by `extra_ms`, or not any more; routers only."""
    address, extra_ms = command["address"], command["extra_ms"]

    def change() -> None:
        if extra_ms or "extra_ms" in node.impaired.get(address, {}):
            lengthen_by(extra_ms, _delay(node, address), node.ports[address])
        _remember(node, address, extra_ms=extra_ms)

    return lambda: dict(timed(change))


def _remember(node: State, address: str, **amounts: float) -> None:
    known = node.impaired.pop(address, {}) | amounts
    if left := {name: amount for name, amount in known.items() if amount}:
        node.impaired[address] = left


def _own_ends(node: State) -> list[str]:
    """Return the node's addresses on links whose ends it may change."""
    routes = node.spec.keep_net_admin
    return [address for address, port in node.ports.items() if routes and port != "lo"]


def _delay(node: State, address: str) -> dict[str, Any]:
    """Return what is declared of a link, by the node's address on it."""
    undeclared = {"link": address, "address": address, "ms": 0, "relay": False}
    told = (d for d in node.spec.delays if d["address"].split("/")[0] == address)
    return next(told, undeclared)


def restore(node: State, command: dict[str, Any]) -> Effect:
    """Bring links, routes and daemons back and look at every condition again.

    Or bring one `process` back, and nothing else.
    """

    def effect() -> dict[str, Any]:
        only = command.get("process", "")

        def back() -> None:
            if not only:
                network.links_up(node.spec, node.ports.values())
            if node.gate and not only:
                node.gate.reopen()
            _signal_all(node, signal.SIGCONT, only)
            node.start_missing(only)

        stamps = timed(back)
        node.readiness.check_again()
        return dict(stamps)

    return effect


def run(_: State, command: dict[str, Any]) -> Effect:
    """Run a program to its end and return its output."""

    def effect() -> dict[str, Any]:
        done: list[subprocess.CompletedProcess[str]] = []

        def work() -> None:
            done.append(
                subprocess.run(
                    command["argv"],
                    capture_output=True,
                    text=True,
                    timeout=command.get("timeout_s", 10),
                    check=False,
                )
            )

        stamps = timed(work)
        result = done[0]
        return {
            "stdout": result.stdout,
            "stderr": result.stderr,
            "status": result.returncode,
            **stamps,
        }

    return effect


VERBS: dict[str, Callable[[State, dict[str, Any]], Effect]] = {
    "status": status,
    "check": check,
    "power-off": power_off,
    "isolate": isolate,
    "crash": crash,
    "stop": stop,
    "hang": hang,
    "resume": resume,
    "shut-out": shut_out,
    "let-in": let_in,
    "barred": barred,
    "lose": lose,
    "slow": slow,
    "restore": restore,
    "run": run,
}


def _kill_all(node: State, only: str = "") -> None:
    for daemon in _own(node, only):
        daemon.kill()


def _own(node: State, only: str = "") -> list[Daemon]:
    """Return the node's daemons but its relays, which stand for a link's length."""
    return [
        daemon
        for name, daemon in node.daemons.items()
        if not name.startswith(RELAY) and only in ("", name)
    ]


def stop_all(node: State) -> None:
    """End the daemons, last started first: what announces goes before what serves."""
    for daemon in reversed(node.daemons.values()):
        daemon.stop()


def _signal_all(node: State, number: int, only: str = "") -> None:
    for daemon in _own(node, only):
        daemon.signal(number)

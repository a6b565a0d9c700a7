"""Waiting for what the nodes themselves say about their readiness."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from queue import Empty
from typing import NoReturn

from lab.errors import CommandFailed, EnvironmentUnfit, NotReady
from lab.live.channel import ENDED, Message, replies
from lab.live.fleet import FAILURE, Fleet, Inbox

_STATUS_TIMEOUT_S = 3.0
#: {node: {condition: what was seen last}}.
Waiting = dict[str, dict[str, str]]


def until_ready(
    fleet: Fleet,
    inbox: Inbox,
    nodes: Iterable[str],
    *,
    deadline_s: float,
    since_ns: Mapping[str, int] | None = None,
) -> Iterator[tuple[str, Message]]:
    """Yield the nodes' `ready` messages until every node is ready.

    Args:
        fleet: The nodes; those that have no channel yet will get one.
        inbox: All that they say, from before the wait.
        nodes: Whom to wait for.
        deadline_s: How long, from now.
        since_ns: What a node said up to this moment does not count.

    Raises:
        EnvironmentUnfit: A node found out that the machine lacks something.
        NotReady: A node or a daemon ended, or a condition missed the deadline.
    """
    pending = set(nodes)
    ignored = since_ns or {}
    deadline = time.monotonic() + deadline_s
    while pending:
        try:
            node, message = inbox.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            _give_up(fleet, pending, deadline_s)
        _raise_if_fatal(fleet, node, message)
        if message.get("t", 0) <= ignored.get(node, 0):
            continue
        if message["kind"] == "ready" and node in pending:
            yield node, message
        elif message["kind"] == "all-ready":
            pending.discard(node)


def check_again(fleet: Fleet, nodes: Iterable[str]) -> dict[str, int]:
    """Let the nodes look at all conditions anew; return from when on they do."""
    asked = fleet.request("check", nodes)
    return {node: m["t"] for node, m in replies(asked, _STATUS_TIMEOUT_S).items()}


def waiting(fleet: Fleet, nodes: Iterable[str]) -> Waiting:
    """Ask the nodes which conditions do not hold; a mute node is told as such."""
    seen: Waiting = {}

    def listen(node: str, message: Message) -> None:
        if message["kind"] == "waiting":
            conditions = seen.setdefault(node, {})
            conditions[message["condition"]] = message["last"]

    with fleet.listening(listen):
        for node in nodes:
            try:
                fleet.channels[node].request("status").reply(_STATUS_TIMEOUT_S)
            except KeyError:
                seen[node] = {"container started": "not yet"}
            except CommandFailed as exc:
                seen[node] = {"control channel answers": str(exc)}
    return seen


def _give_up(fleet: Fleet, pending: Iterable[str], deadline_s: float) -> NoReturn:
    blocks = [f"not ready after {deadline_s:g} s:"]
    for node, conditions in sorted(waiting(fleet, sorted(pending)).items()):
        blocks.append(f"{node}:")
        blocks += [f"    {text}: {last}" for text, last in conditions.items()]
        blocks.append(log_end(fleet, node))
    raise NotReady("\n".join(b for b in blocks if b))


def _raise_if_fatal(fleet: Fleet, node: str, message: Message) -> None:
    if message["kind"] == FAILURE:
        raise message["error"]
    if message["kind"] == "unfit":
        raise EnvironmentUnfit(f"{node}: {message['why']}")
    if message["kind"] == ENDED:
        status = fleet.exit_status(node)
        text = f"{node}: its container has ended with status {status}"
    elif message["kind"] == "exited" and not message["expected"]:
        text = f"{node}: {message['process']} ended with status {message['status']}"
    else:
        return
    raise NotReady(f"{text}\n{log_end(fleet, node)}".rstrip())


def log_end(fleet: Fleet, node: str) -> str:
    """Return a node's last log lines, indented below a heading; "" if it has none."""
    channel = fleet.channels.get(node)
    if channel is None or not channel.tail:
        return ""
    lines = "\n".join(f"        {line}" for line in tuple(channel.tail))
    return f"    last lines of its log:\n{lines}"

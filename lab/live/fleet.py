"""The running nodes of a lab, each with its control channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Self

from lab.live.channel import Channel, Listener, Message, Request
from lab.live.engine import Engine
from lab.live.naming import LINKS, NODE, ROLE, SITE, STEM
from lab.live.streams import Connection, OnData, OnEnd, Reader
from lab.plan.model import Role

#: Kind of the message by which a thread of the harness reports its own failure.
FAILURE = "failure"
#: Messages with the name of their node ("" for the harness itself).
Inbox = SimpleQueue[tuple[str, Message]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A node of the lab, as its container's labels tell it.

    Attributes:
        links: {link: the node's address on it}.
    """

    node: str
    role: Role
    site: str
    stem: str
    container: str
    links: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_labels(cls, labels: Mapping[str, str], container: str) -> Self:
        """Return the node that a container with these labels is."""
        return cls(
            node=labels[NODE],
            role=Role(labels[ROLE]),
            site=labels[SITE],
            stem=labels[STEM],
            container=container,
            links=dict(end.split("=") for end in labels[LINKS].split(",")),
        )


class Fleet:
    """Channels to nodes.

    Attributes:
        members: Every node that has a channel.
        channels: Their channels, by node.
    """

    def __init__(self, engine: Engine) -> None:
        """Begin without any node."""
        self._engine = engine
        self._listeners: list[Listener] = []
        self._reader = Reader(on_failure=self.fail)
        self._asked: dict[str, Request] | None = None
        self.members: dict[str, Member] = {}
        self.channels: dict[str, Channel] = {}

    def close(self) -> None:
        """Close every channel; the nodes go on."""
        self._listeners.clear()
        self._reader.close()

    def attach(self, member: Member) -> None:
        """Open the channel to a node's container, running or not yet."""
        connection = self._engine.attach(member.container, member.node)
        channel = Channel(member.node, connection, listener=self._hear)
        self.members[member.node] = member
        self.channels[member.node] = channel
        channel.open(self.read)

    def execute(self, node: str, *argv: str, user: str = "") -> Connection:
        """Start a program in a node's container."""
        return self._engine.execute(self.members[node].container, argv, user=user)

    def exit_status(self, node: str) -> int:
        """Return the status with which a node's container has ended.

        Raises:
            EnvironmentUnfit: The engine has ended too.
        """
        return self._engine.exit_status(self.members[node].container)

    def read(self, connection: Connection, on_data: OnData, on_end: OnEnd) -> None:
        """Read a connection in the thread that reads the channels."""
        self._reader.add(connection, on_data, on_end)

    def nodes(self, *roles: Role, site: str | None = None) -> tuple[str, ...]:
        """Return the names of the nodes that have one of these roles, at a site."""
        return tuple(
            m.node
            for m in self.members.values()
            if m.role in roles and site in {None, m.site}
        )

    def request(
        self,
        do: str,
        nodes: Iterable[str] | None = None,
        *,
        at_ns: int | None = None,
        **facts: object,
    ) -> dict[str, Request]:
        """Send one request to these nodes, or to all."""
        names = self.channels if nodes is None else nodes
        return {name: self._request(name, do, at_ns, facts) for name in names}

    @contextmanager
    def asking_once(self) -> Iterator[None]:
        """Ask no node the same thing twice meanwhile: what it said holds so long."""
        self._asked = {}
        try:
            yield
        finally:
            self._asked = None

    def _request(
        self, name: str, do: str, at_ns: int | None, facts: Mapping[str, object]
    ) -> Request:
        what = f"{name} {do} {at_ns} {facts}"
        if self._asked is not None and what in self._asked:
            return self._asked[what]
        request = self.channels[name].request(do, at_ns=at_ns, **facts)
        if self._asked is not None:
            self._asked[what] = request
        return request

    @contextmanager
    def inbox(self) -> Iterator[Inbox]:
        """Yield a queue of every message from now on."""
        inbox: Inbox = SimpleQueue()
        with self.listening(lambda node, message: inbox.put((node, message))):
            yield inbox

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Call the listener with every message, in the reader's thread."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def fail(self, error: BaseException) -> None:
        """Tell all listeners that the harness itself failed in some thread."""
        self._hear("", {"kind": FAILURE, "error": error})

    def _hear(self, node: str, message: Message) -> None:
        for listener in tuple(self._listeners):
            listener(node, message)

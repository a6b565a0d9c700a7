"""The plan: everything decided, nothing started. Values only.

A plan can be printed (`lab export compose` is one printing of it), compared and
tested. Every container gets the same three things: files, a `NodeSpec` that its
first process carries out, and limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network


class Role(StrEnum):
    """What a node is for."""

    GLOBAL_L4 = "global-l4"
    EDGE = "edge"
    L4 = "l4"
    L7 = "l7"
    BACKEND = "backend"
    TRANSIT = "transit"
    ACCESS = "access"
    RESOLVER = "resolver"
    PROVIDER = "provider"
    PARENT = "parent"
    CLIENTS = "clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A bridge network: a point-to-point link or a LAN."""

    name: str
    subnet: IPv4Network
    members: tuple[str, ...]  # node names
    delay_ms: float = 0  # one way, in each direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A node's port on a link."""

    link: str
    address: IPv4Interface
    boundary: bool = False  # leads out of the node's site; a power-off cuts it first
    delay_ms: float = 0  # of the link, one way
    relays: bool = False  # at this end, where the kernel cannot delay


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRoute:
    """A kernel route; `source` is the preferred source address.

    With a `mark` it is for packets that nftables gave that mark, and for no others.
    """

    prefix: IPv4Network
    via: IPv4Address
    source: IPv4Address | None = None
    mark: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A daemon that the node's first process starts and watches.

    Attributes:
        name: Unique in the node (`bird`, `envoy`, `announcer`).
        argv: Command line; the daemon stays in the foreground.
        user: Account to run as; "" for root (with the node's capabilities).
        env: Extra environment.
    """

    name: str
    argv: tuple[str, ...]
    user: str = ""
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that must be true before the node counts as ready.

    Attributes:
        text: In a reader's words: `BGP session with transit-a established`.
        kind: Probe kind that `lab.node.probes` knows: `announced`, `bgp`, `route`,
            `dns`, `envoy`, `http`, `gdnsd`, `journey`, `said`.
        args: The probe's arguments, JSON values.
    """

    text: str
    kind: str
    args: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that the first process writes before it starts the daemons.

    Attributes:
        text: What is in it; of a binary file the base64 form (RFC 4648, section 4).
        binary: Whether the text stands for bytes.
    """

    path: str
    text: str
    binary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One container.

    Attributes:
        site: Region, access network or transit that the node belongs to.
        stem: Daemon stem whose image stage it runs (`bird`, `envoy`, …).
        loopbacks: Addresses on `lo`, the first one being the node's own.
        routes: Static routes; routers have none, they speak BGP.
        routes_packets: Forwards between links, or learns its routes, and keeps
            NET_ADMIN.
        gate: It can close its port after it gave NET_ADMIN up (`lab.node.gate`).
        tmpfs: Folders that a daemon writes to.
    """

    name: str
    role: Role
    site: str
    stem: str
    interfaces: tuple[Interface, ...]
    loopbacks: tuple[IPv4Address, ...] = ()
    routes: tuple[StaticRoute, ...] = ()
    files: tuple[File, ...] = ()
    processes: tuple[Process, ...] = ()
    conditions: tuple[Condition, ...] = ()
    routes_packets: bool = False
    gate: bool = False
    capabilities: tuple[str, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    tmpfs: tuple[str, ...] = ()
    memory_mb: int = 128
    pids: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole lab, decided."""

    topology: str
    profile: str
    links: tuple[Link, ...]
    nodes: tuple[Node, ...]

    def node(self, name: str) -> Node:
        """Return the node of that name; `KeyError` if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

"""Rules of giving a link its delay: which means, and where the address goes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from lab.node import delay, relay
from lab.node.delay import (
    Impossible,
    can_lengthen,
    detour,
    lengthen,
    lengthen_by,
    netem_argv,
)

ATLANTIC = {"link": "atlantic", "address": "10.0.0.2/26", "ms": 40.0, "relay": True}
OTHER_END = {**ATLANTIC, "relay": False}
NO_NETEM = "Error: Specified qdisc kind is unknown."

Ran = list[list[str]]
Kernel = Callable[[str, str], Ran]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """A kernel that answers `tc` and `ip` like this, and remembers what was run."""

    def answering(tc: str, ip: str) -> Ran:
        ran: Ran = []
        delay.has_netem.cache_clear()

        def run(argv: list[str], text: str = "") -> str:
            ran.append(argv)
            return {"tc": tc, "ip": ip}[argv[0]]

        monkeypatch.setattr(delay, "_run", run)
        monkeypatch.setattr(delay, "port_names", lambda: {"10.0.0.2": "lo"})
        monkeypatch.setattr(socket, "socket", Opened)
        return ran

    return answering


class Opened:
    def __init__(self, *_: Any) -> None:
        """Be a packet socket that nobody refused."""

    def close(self) -> None:
        """Be closed."""


class TestLengthen:
    def test_with_netem_each_end_holds_what_leaves_by_it(self, kernel: Kernel) -> None:
        ran = kernel("", "")

        assert lengthen([ATLANTIC]) == lengthen([OTHER_END]) == []
        assert ran == [netem_argv("lo", 40)] * 2

    def test_without_it_a_relay_runs_at_one_end(self, kernel: Kernel) -> None:
        kernel(NO_NETEM, "")

        (relay,) = lengthen([ATLANTIC])

        assert relay["name"] == "relay-atlantic"
        assert relay["argv"][-4:] == ["relay-atlantic", "long0-far", "lo", "40.0"]
        assert lengthen([OTHER_END]) == []

    def test_where_neither_is_possible_it_says_why(self, kernel: Kernel) -> None:
        kernel(NO_NETEM, "RTNETLINK answers: Operation not supported")

        with pytest.raises(Impossible) as raised:
            lengthen([ATLANTIC])

        said = str(raised.value)
        assert "the link atlantic cannot have its delay of 40 ms" in said
        assert NO_NETEM in said
        assert "Operation not supported" in said

    def test_no_long_link_changes_nothing(self, kernel: Kernel) -> None:
        ran = kernel("", "")

        assert lengthen([]) == []
        assert ran == []


class TestLengthenBy:
    SHORT: ClassVar = {"link": "x", "address": "10.0.0.9", "ms": 0, "relay": False}

    def test_with_netem_the_port_holds_what_leaves_for_longer(
        self, kernel: Kernel
    ) -> None:
        ran = kernel("", "")
        assert can_lengthen(ATLANTIC)
        assert can_lengthen(self.SHORT)
        ran.clear()

        lengthen_by(50, ATLANTIC, "eth0")
        lengthen_by(0, ATLANTIC, "eth0")
        lengthen_by(50, self.SHORT, "eth1")
        lengthen_by(0, self.SHORT, "eth1")

        assert ran == [
            netem_argv("eth0", 90),
            netem_argv("eth0", 40),
            netem_argv("eth1", 50),
            ["tc", "qdisc", "del", "dev", "eth1", "root"],
        ]

    def test_without_it_the_relay_is_told(
        self, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kernel(NO_NETEM, "")
        told: list[tuple[str, float]] = []
        monkeypatch.setattr(relay, "tell", lambda *said: told.append(said))

        lengthen_by(50, ATLANTIC, "long0")
        lengthen_by(0, ATLANTIC, "long0")

        assert told == [("relay-atlantic", 90), ("relay-atlantic", 40)]

    def test_without_it_only_the_end_with_the_relay_can(self, kernel: Kernel) -> None:
        kernel(NO_NETEM, "")

        assert can_lengthen(ATLANTIC)
        assert not can_lengthen(OTHER_END)
        assert not can_lengthen(self.SHORT)

    def test_a_kernel_that_refuses_is_no_longer_link(
        self, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kernel("Error: no room", "")
        monkeypatch.setattr(delay, "has_netem", lambda: True)

        with pytest.raises(Impossible, match="atlantic stays as it is: Error: no room"):
            lengthen_by(50, ATLANTIC, "eth0")


class TestDetour:
    def test_the_address_moves_and_the_kernel_no_longer_answers_behind_it(
        self,
    ) -> None:
        commands = detour("eth1", "long0", "10.0.0.2/26", "1500")

        assert commands[2:4] == [
            "link set eth1 arp off",
            "addr del 10.0.0.2/26 dev eth1",
        ]
        assert commands[-1] == "addr add 10.0.0.2/26 dev long0"


def test_a_module_of_that_name_is_what_is_started() -> None:
    assert (Path(delay.__file__).parent / "relay.py").exists()

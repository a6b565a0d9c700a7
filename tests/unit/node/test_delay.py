"""Rules of giving a link its delay: which means, and where the address goes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.node import delay
from lab.node.delay import Impossible, detour, lengthen, netem_argv

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
        assert relay["argv"][-3:] == ["long0-far", "lo", "40.0"]
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

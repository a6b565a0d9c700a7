"""Rules of the verbs that change a node's ends of links."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.node import commands, loss
from lab.node.commands import State
from lab.node.gate import Gate

HERE, THERE = "10.0.0.2", "10.0.0.66"
ATLANTIC = {"link": "atlantic", "address": f"{HERE}/26", "ms": 40.0, "relay": True}

Done = list[tuple[object, ...]]


@dataclass
class FakeGate:
    """Opens and closes, and tells no kernel."""

    why_not: str = ""
    closed: bool = False

    def close(self) -> None:
        self.closed = True

    def reopen(self) -> None:
        self.closed = False


@dataclass
class FakeDaemon:
    """Takes signals, and no processor time."""

    name: str
    running: bool = True
    frozen: bool = False
    taken: list[int] = field(default_factory=list)

    def signal(self, number: int) -> None:
        self.taken.append(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)


@dataclass
class Spoken:
    """What the daemons of a node took, and which of them it was told to start."""

    daemons: dict[str, FakeDaemon]
    started: list[str] = field(default_factory=list)

    @property
    def taken(self) -> dict[str, list[int]]:
        return {name: daemon.taken for name, daemon in self.daemons.items()}


@pytest.fixture
def spoken() -> Spoken:
    return Spoken({name: FakeDaemon(name) for name in ("bird", "announcer")})


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Done:
    """What was done to ports, and nothing was."""
    seen: Done = []
    monkeypatch.setattr(loss, "lose", lambda *told: seen.append(("lose", *told)))
    monkeypatch.setattr(loss, "lose_nothing", lambda port: seen.append(("keep", port)))
    monkeypatch.setattr(
        commands, "lengthen_by", lambda ms, of, port: seen.append((ms, of["ms"], port))
    )
    monkeypatch.setattr(commands, "can_lengthen", lambda of: bool(of["ms"]))
    return seen


@pytest.fixture
def node(spoken: Spoken) -> State:
    """A router with a long link and a short one."""
    spec = SimpleNamespace(
        keep_net_admin=True,
        delays=[ATLANTIC],
        processes=[],
        loopbacks=[],
        boundary=[],
    )
    ready = SimpleNamespace(waiting=dict, check_again=lambda: None)
    ports = {HERE: "long0", THERE: "lo"}
    return cast(
        State,
        SimpleNamespace(
            spec=spec,
            ports=ports,
            impaired={},
            daemons=spoken.daemons,
            readiness=ready,
            gate=None,
            start_missing=lambda only="": spoken.started.append(only),
        ),
    )


def obey(node: State, do: str, **facts: object) -> dict[str, Any]:
    return commands.VERBS[do](node, facts)()


class TestLose:
    def test_it_is_stamped_remembered_and_undone_once(
        self, node: State, done: Done
    ) -> None:
        stamps = obey(node, "lose", address=HERE, loss=0.3)

        assert stamps["before_ns"] <= stamps["after_ns"]
        assert node.impaired == {HERE: {"loss": 0.3}}

        obey(node, "lose", address=HERE, loss=0)
        obey(node, "lose", address=HERE, loss=0)

        assert node.impaired == {}
        assert done == [("lose", "long0", 0.3), ("keep", "long0")]


class TestSlow:
    def test_it_counts_on_top_of_what_is_declared(
        self, node: State, done: Done
    ) -> None:
        obey(node, "slow", address=HERE, extra_ms=50)
        obey(node, "lose", address=HERE, loss=1)

        assert node.impaired == {HERE: {"extra_ms": 50, "loss": 1}}

        obey(node, "slow", address=HERE, extra_ms=0)
        obey(node, "slow", address=HERE, extra_ms=0)

        assert node.impaired == {HERE: {"loss": 1}}
        assert done == [(50, 40, "long0"), ("lose", "long0", 1), (0, 40, "long0")]


class TestCut:
    @pytest.fixture
    def cut(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The ports that were taken down."""
        ports: list[str] = []
        monkeypatch.setattr(commands.network, "cut_links", ports.extend)
        return ports

    @pytest.mark.parametrize("do", ["isolate", "power-off"])
    def test_a_router_alone_takes_every_port_down(
        self, node: State, cut: list[str], do: str
    ) -> None:
        obey(node, do, every_port=True)

        assert cut == ["long0"]

    @pytest.mark.parametrize("do", ["isolate", "power-off"])
    def test_a_host_closes_its_gate(self, node: State, cut: list[str], do: str) -> None:
        gate = node.gate = cast(Gate, FakeGate())

        stamps = obey(node, do, every_port=True)

        assert gate.closed
        assert cut == []
        assert stamps["before_ns"] <= stamps["after_ns"]

    def test_who_dies_with_its_site_is_behind_the_sites_cut(
        self, node: State, cut: list[str]
    ) -> None:
        gate = node.gate = cast(Gate, FakeGate())

        obey(node, "power-off")

        assert not gate.closed
        assert cut == []

    def test_a_closed_gate_is_a_cut_and_opened_again_by_what_restores(
        self, node: State, cut: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(commands.network, "is_cut", lambda _: False)
        monkeypatch.setattr(commands.network, "links_up", lambda *_: None)
        node.gate = cast(Gate, FakeGate())
        obey(node, "isolate", every_port=True)
        assert obey(node, "status")["cut"]

        obey(node, "restore")

        assert not obey(node, "status")["cut"]

    def test_what_restores_one_process_opens_no_gate_and_no_link(
        self, node: State, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: object) -> None:
            raise AssertionError

        monkeypatch.setattr(commands.network, "links_up", refused)
        gate = node.gate = cast(Gate, FakeGate())
        obey(node, "isolate", every_port=True)

        obey(node, "restore", process="announcer")

        assert gate.closed

    def test_what_the_kernel_said_of_a_gate_is_told(
        self, node: State, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(commands.network, "is_cut", lambda _: False)
        assert obey(node, "status")["uncuttable"] == ""

        node.gate = cast(Gate, FakeGate(why_not="Error: no egress"))

        assert obey(node, "status")["uncuttable"] == "Error: no egress"


class TestDaemons:
    @pytest.fixture(autouse=True)
    def no_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(commands.network, "links_up", lambda *_: None)

    @pytest.mark.parametrize(
        ("do", "number"),
        [
            ("crash", signal.SIGKILL),
            ("hang", signal.SIGSTOP),
            ("restore", signal.SIGCONT),
        ],
    )
    def test_all_take_it_or_the_one_that_is_named(
        self, node: State, spoken: Spoken, do: str, number: int
    ) -> None:
        obey(node, do, process="announcer")

        assert spoken.taken == {"bird": [], "announcer": [number]}

        obey(node, do)

        assert spoken.taken == {"bird": [number], "announcer": [number, number]}

    def test_what_restores_one_process_starts_no_other(
        self, node: State, spoken: Spoken
    ) -> None:
        obey(node, "restore", process="announcer")
        obey(node, "restore")

        assert spoken.started == ["announcer", ""]

    def test_a_node_of_which_one_process_hangs_still_speaks(self, node: State) -> None:
        assert "silent_ns" not in obey(node, "hang", process="announcer")
        assert "silent_ns" in obey(node, "hang")


class TestStatus:
    def test_it_tells_what_is_not_as_it_should_be_and_what_can_get_longer(
        self, node: State, done: Done, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(commands.network, "is_cut", lambda _: False)
        obey(node, "slow", address=HERE, extra_ms=50)

        told = obey(node, "status")

        assert told["impaired"] == {HERE: {"extra_ms": 50}}
        assert told["lengthens"] == [HERE]

    def test_a_host_can_change_no_link(
        self, node: State, done: Done, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(commands.network, "is_cut", lambda _: False)
        node.spec.keep_net_admin = False

        assert obey(node, "status")["lengthens"] == []

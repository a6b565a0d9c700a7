"""Rules of the verbs that change a node's ends of links."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.node import commands, loss
from lab.node.commands import State

HERE, THERE = "10.0.0.2", "10.0.0.66"
ATLANTIC = {"link": "atlantic", "address": f"{HERE}/26", "ms": 40.0, "relay": True}

Done = list[tuple[object, ...]]


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
def node() -> State:
    """A router with a long link and a short one."""
    spec = SimpleNamespace(
        keep_net_admin=True, delays=[ATLANTIC], processes=[], loopbacks=[]
    )
    ready = SimpleNamespace(waiting=dict)
    ports = {HERE: "long0", THERE: "lo"}
    return cast(
        State,
        SimpleNamespace(
            spec=spec, ports=ports, impaired={}, daemons={}, readiness=ready
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

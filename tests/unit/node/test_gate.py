"""Rules of a host's own gate, without a kernel that has one."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from lab.node import gate
from lab.node.gate import Gate, ruleset


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What packets to the node itself said."""
    ports: list[int] = []
    monkeypatch.setattr(gate, "_tell", ports.append)
    return ports


def kernel(monkeypatch: pytest.MonkeyPatch, status: int, said: str) -> None:
    def run(argv: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(argv, status, stdout="", stderr=said)

    monkeypatch.setattr(gate.subprocess, "run", run)


class TestGate:
    def test_it_is_open_until_it_is_closed(
        self, monkeypatch: pytest.MonkeyPatch, told: list[int]
    ) -> None:
        kernel(monkeypatch, 0, "")
        built = Gate("eth0")
        assert (built.why_not, built.closed, told) == ("", False, [])

        built.close()
        assert built.closed

        built.reopen()
        assert not built.closed
        assert len(set(told)) == 2

    @pytest.mark.parametrize(
        ("said", "why"),
        [
            (
                "Error: Could not process rule\nadd chain",
                "Error: Could not process rule",
            ),
            ("", "nft ended with 1"),
        ],
    )
    def test_a_kernel_that_refuses_leaves_the_node_without_one(
        self, monkeypatch: pytest.MonkeyPatch, said: str, why: str
    ) -> None:
        kernel(monkeypatch, 1, said)

        assert Gate("eth0").why_not == why


class TestRuleset:
    def test_what_passes_the_port_is_lost_either_way_and_root_alone_is_obeyed(
        self,
    ) -> None:
        rules = ruleset("eth7")

        assert rules.count("meta mark @closed drop") == 2
        assert 'hook ingress device "eth7"' in rules
        assert 'hook egress device "eth7"' in rules
        assert rules.count("meta skuid 0 ip daddr 127.0.0.9 udp dport") == 2

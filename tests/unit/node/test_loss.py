"""Rules of losing what arrives at a port."""

from __future__ import annotations

from typing import Any

import pytest

from lab.node import loss


class TestRuleset:
    def test_a_share_is_lost_by_chance(self) -> None:
        assert loss.ruleset("eth0", 0.3).splitlines() == [
            "add table netdev lost",
            'add chain netdev lost eth0 { type filter hook ingress device "eth0" '
            "priority 0; }",
            "flush chain netdev lost eth0",
            "add rule netdev lost eth0 numgen random mod 1000000 < 300000 drop",
        ]

    def test_everything_is_lost_without_asking_chance(self) -> None:
        assert loss.ruleset("eth0", 1).splitlines()[-1] == (
            "add rule netdev lost eth0 drop"
        )


def test_what_is_undone_leaves_other_ports_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    def run(argv: list[str], **given: Any) -> None:
        told.append(given["input"])

    monkeypatch.setattr(loss.subprocess, "run", run)

    loss.lose("eth0", 1)
    loss.lose_nothing("eth0")

    assert told == [
        loss.ruleset("eth0", 1),
        "delete chain netdev lost eth0\n",
    ]

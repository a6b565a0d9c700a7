"""Rules of the guard, with an announcer and a BIRD that a test decides about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.node import orders
from lab.node.guard import Guard

#: Looks without a sign of life after which it acts.
PATIENCE = 4


@pytest.fixture
def alive(tmp_path: Path) -> Path:
    return tmp_path / "alive"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What BIRD was told."""
    commands: list[str] = []

    def bird(_: str, command: str) -> str:
        commands.append(command)
        return "0010-done"

    monkeypatch.setattr(orders, "bird", bird)
    return commands


@pytest.fixture
def watching(alive: Path, told: list[str]) -> Guard:
    sign(alive, 1)
    return Guard(
        {
            "socket": "bird.ctl",
            "alive": str(alive),
            "every_ms": 100,
            "silent_ms": 100 * PATIENCE,
            "withdraws": ["anycast"],
        }
    )


def sign(alive: Path, at_ns: int) -> None:
    alive.touch()
    os.utime(alive, ns=(at_ns, at_ns))


def look(watching: Guard, times: int) -> None:
    for _ in range(times):
        watching.look()


def test_signs_of_life_keep_it_still(
    watching: Guard, alive: Path, told: list[str]
) -> None:
    for at_ns in range(2, 5):
        look(watching, PATIENCE)
        sign(alive, at_ns)

    assert told == []


def test_silence_withdraws_once_what_it_is_told_to(
    watching: Guard, told: list[str]
) -> None:
    look(watching, PATIENCE)

    assert told == []

    look(watching, 2 * PATIENCE)

    assert told == ["disable anycast"]


def test_another_silence_is_another_withdrawal(
    watching: Guard, alive: Path, told: list[str]
) -> None:
    look(watching, 1 + PATIENCE)
    sign(alive, 2)
    look(watching, 1 + PATIENCE)

    assert told == ["disable anycast", "disable anycast"]


def test_one_that_never_gave_a_sign_is_silent_too(
    watching: Guard, alive: Path, told: list[str]
) -> None:
    alive.unlink()
    look(watching, PATIENCE)

    assert told == ["disable anycast"]


def test_without_bird_the_next_look_tries_again(
    watching: Guard, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = orders.bird

    def nobody(*_: str) -> str:
        raise ConnectionRefusedError

    monkeypatch.setattr(orders, "bird", nobody)
    look(watching, 1 + PATIENCE)
    monkeypatch.setattr(orders, "bird", reachable)
    look(watching, 1)

    assert told == ["disable anycast"]

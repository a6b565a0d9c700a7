"""Rules of a node's daemons, with a program that only waits."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from lab.node.daemons import Daemon


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    argv = ["sleep", "600"]
    started = Daemon({"name": "idle", "argv": argv, "user": "", "env": {}})
    yield started
    started.kill()
    started.popen.wait()
    started.close()


class TestFrozen:
    def test_a_daemon_is_from_its_stop_until_it_goes_on(self, daemon: Daemon) -> None:
        assert not daemon.frozen

        daemon.signal(signal.SIGSTOP)
        assert daemon.frozen
        assert daemon.running

        daemon.signal(signal.SIGCONT)
        assert not daemon.frozen

    def test_a_killed_one_is_not(self, daemon: Daemon) -> None:
        daemon.signal(signal.SIGSTOP)
        daemon.kill()
        daemon.popen.wait()

        assert not daemon.frozen
        assert not daemon.running

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from lab.live.dockerd import (
    Places,
    clear_leftovers,
    forget,
    log_tail,
    our_engine,
    running_engine,
    spare_bridged_frames,
    started_at,
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(
        socket=tmp_path / "docker.sock",
        pid_file=tmp_path / "docker.pid",
        containerd_pid_file=tmp_path / "containerd.pid",
        containerd_socket=tmp_path / "containerd.sock",
        network_store=tmp_path / "local-kv.db",
        bridge_filter=tmp_path / "bridge-nf-call-iptables",
        ours=tmp_path / "ours",
    )


def own_name() -> str:
    return Path("/proc/self/comm").read_text().strip()


class TestStartedAt:
    def test_a_live_process_of_that_name_has_a_start(self) -> None:
        assert started_at(os.getpid(), own_name())

    def test_a_process_of_another_name_counts_as_gone(self) -> None:
        assert started_at(os.getpid(), "dockerd") is None

    def test_a_zombie_counts_as_gone(self) -> None:
        with subprocess.Popen(["true"]) as child:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

            assert started_at(child.pid, "true") is None

    def test_a_process_that_never_was_is_gone(self) -> None:
        assert started_at(2**22 + 1, "dockerd") is None


class TestLogTail:
    @pytest.mark.parametrize(
        ("ending", "shown"),
        [
            ("no storage driver", "no storage driver"),
            ("panic: index out of range" + 30 * "\n\tframe", "panic: index"),
        ],
        ids=["last words", "a panic and its first frames"],
    )
    def test_what_tells_the_cause_is_shown(
        self, places: Places, ending: str, shown: str
    ) -> None:
        places.ours.mkdir()
        places.log_file.write_text(20 * "starting\n" + ending)

        tail = log_tail(places)

        assert shown in tail
        assert len(tail.splitlines()) == 10


class TestClearLeftovers:
    def test_pid_files_of_other_programs_are_removed(self, places: Places) -> None:
        places.pid_file.write_text(str(os.getpid()))
        places.containerd_pid_file.write_text("4194305")
        told: list[str] = []

        clear_leftovers(places, told.append)

        assert not places.pid_file.exists()
        assert not places.containerd_pid_file.exists()
        assert len(told) == 2

    def test_an_unreadable_pid_file_is_removed(self, places: Places) -> None:
        places.pid_file.write_text("")

        clear_leftovers(places, [].append)

        assert not places.pid_file.exists()

    def test_a_socket_that_nobody_listens_to_is_removed(self, places: Places) -> None:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(places.containerd_socket))

        clear_leftovers(places, [].append)

        assert not places.containerd_socket.exists()

    def test_a_socket_that_somebody_listens_to_stays(self, places: Places) -> None:
        with socket.socket(socket.AF_UNIX) as live:
            live.bind(str(places.containerd_socket))
            live.listen()

            clear_leftovers(places, [].append)

        assert places.containerd_socket.exists()

    def test_a_clean_machine_has_nothing_to_tell(self, places: Places) -> None:
        told: list[str] = []

        clear_leftovers(places, told.append)

        assert told == []


class TestOurEngine:
    def state(self, places: Places, *, started: int | None) -> None:
        places.ours.mkdir()
        state = {"pid": os.getpid(), "started": started}
        places.state_file.write_text(json.dumps(state))

    def test_without_a_record_there_is_none(self, places: Places) -> None:
        assert our_engine(places) is None

    def test_another_program_with_its_process_id_is_not_ours(
        self, places: Places
    ) -> None:
        self.state(places, started=started_at(os.getpid(), own_name()))

        assert our_engine(places) is None

    def test_an_engine_that_died_while_it_started_is_not_ours(
        self, places: Places
    ) -> None:
        self.state(places, started=None)

        assert our_engine(places) is None


class TestRunningEngine:
    def test_a_pid_file_of_another_program_is_no_engine(self, places: Places) -> None:
        places.pid_file.write_text(str(os.getpid()))

        assert running_engine(places) is None


class TestSpareBridgedFrames:
    def test_what_was_set_before_comes_back_when_the_engine_is_forgotten(
        self, places: Places
    ) -> None:
        places.ours.mkdir()
        places.bridge_filter.write_text("1\n")

        said: list[str] = []
        spare_bridged_frames(places, said.append)
        assert f"{places.bridge_filter} is 0" in said[0]
        assert places.bridge_filter.read_text() == "0\n"
        spare_bridged_frames(
            places, said.append
        )  # an engine that follows one that was killed
        forget(places)

        assert places.bridge_filter.read_text() == "1\n"

    def test_what_was_off_stays_off(self, places: Places) -> None:
        places.ours.mkdir()
        places.bridge_filter.write_text("0\n")

        spare_bridged_frames(places, print)
        forget(places)

        assert places.bridge_filter.read_text() == "0\n"

    def test_a_kernel_without_such_a_filter_has_nothing_to_change(
        self, places: Places
    ) -> None:
        places.ours.mkdir()

        spare_bridged_frames(places, print)
        forget(places)

        assert not places.bridge_filter.exists()

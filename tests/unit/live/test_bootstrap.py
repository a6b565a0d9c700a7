from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.errors import EnvironmentUnfit
from lab.live import bootstrap, dockerd
from lab.live.bootstrap import (
    EngineInfo,
    ensure_engine,
    look,
    restart_engine_if_ours,
    stop_engine_if_ours,
)
from lab.live.dockerd import Places
from tests.unit.live.fake_engine import fake_engine, replies
from tests.unit.live.test_halfdeleted import network as half_deleted


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A machine without an engine, on which one could be started."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv(bootstrap.CONSENT_VARIABLE, raising=False)
    monkeypatch.setattr(bootstrap, "can_apt_install", lambda: True)
    return Places(
        socket=tmp_path / "docker.sock",
        pid_file=tmp_path / "docker.pid",
        containerd_pid_file=tmp_path / "containerd.pid",
        containerd_socket=tmp_path / "containerd.sock",
        network_store=tmp_path / "local-kv.db",
        ours=tmp_path / "ours",
    )


def nobody_is_told(sentence: str) -> None:
    raise AssertionError(sentence)


class TestEnsureEngine:
    def test_an_engine_that_answers_is_used_and_nobody_asked(
        self, places: Places
    ) -> None:
        with fake_engine(places.socket, replies()):
            info = ensure_engine(None, nobody_is_told, places)

        assert info == EngineInfo(
            version="20.10.24", api_version="1.41", machine="x86_64"
        )

    def test_an_engine_that_is_too_old_is_refused(self, places: Places) -> None:
        with (
            fake_engine(places.socket, replies(api="1.40")),
            pytest.raises(EnvironmentUnfit, match=r"20\.10 or newer"),
        ):
            ensure_engine(None, nobody_is_told, places)

    def test_api_versions_compare_as_numbers(self, places: Places) -> None:
        with fake_engine(places.socket, replies(api="1.100")):
            assert isinstance(look(places), EngineInfo)

    def test_a_silent_docker_host_is_left_alone(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{places.socket}")

        with pytest.raises(EnvironmentUnfit, match="nothing answers at DOCKER_HOST="):
            ensure_engine(None, nobody_is_told, places)

    def test_where_none_can_be_started_the_message_says_what_to_do(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bootstrap, "can_apt_install", lambda: False)
        monkeypatch.setattr(dockerd, "program", lambda: None)

        with pytest.raises(EnvironmentUnfit, match="start Docker"):
            ensure_engine(None, nobody_is_told, places)

    def test_a_person_can_decline(self, places: Places) -> None:
        asked: list[str] = []

        def ask(question: str) -> bool:
            asked.append(question)
            return False

        with pytest.raises(EnvironmentUnfit, match="declined"):
            ensure_engine(ask, nobody_is_told, places)

        assert len(asked) == 1
        assert not places.ours.exists()

    def test_the_environment_can_decline_for_everybody(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(bootstrap.CONSENT_VARIABLE, "no")

        with pytest.raises(EnvironmentUnfit, match="declined"):
            ensure_engine(None, nobody_is_told, places)

    def test_an_engine_that_ends_at_once_shows_its_log(
        self, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = tmp_path / "dockerd"
        broken.write_text("#!/bin/sh\necho no storage driver; exit 1\n")
        broken.chmod(0o755)
        monkeypatch.setattr(dockerd, "program", lambda: str(broken))
        monkeypatch.setattr(bootstrap, "_has_systemd", lambda: False)

        with pytest.raises(EnvironmentUnfit, match="no storage driver"):
            ensure_engine(None, [].append, places)

    def test_one_that_chokes_on_half_deleted_networks_is_mended_and_tried_again(
        self, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choking = tmp_path / "dockerd"
        choking.write_text(
            "#!/bin/sh\n"
            f"grep -q '10.213.2.0' {places.network_store} && "
            "echo 'libnetwork.(*controller).reservePools(0x55)' || echo 'got past it'\n"
        )
        choking.chmod(0o755)
        places.network_store.write_bytes(half_deleted("red-uplink"))
        monkeypatch.setattr(dockerd, "program", lambda: str(choking))
        monkeypatch.setattr(bootstrap, "_has_systemd", lambda: False)
        told: list[str] = []

        with pytest.raises(EnvironmentUnfit, match="got past it"):
            ensure_engine(None, told.append, places)

        assert "mended: red-uplink." in told[-1]


class TestRestartEngineIfOurs:
    def test_somebody_elses_is_left_alone(self, places: Places) -> None:
        told: list[str] = []

        assert not restart_engine_if_ours(told.append, places)
        assert told == []

    def test_one_that_others_use_goes_on(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dockerd, "our_engine", lambda _: os.getpid())
        running = ({"Names": ["/somebody"], "Labels": {}},)
        told: list[str] = []

        with fake_engine(places.socket, replies(running=running)):
            assert not restart_engine_if_ours(told.append, places)

        assert told == ["The engine goes on: somebody run in it."]


class TestStopEngineIfOurs:
    def test_without_an_engine_of_ours_nothing_is_done(self, places: Places) -> None:
        assert stop_engine_if_ours(places) == ""

    def test_an_engine_that_others_use_goes_on(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dockerd, "our_engine", lambda _: os.getpid())
        running = ({"Names": ["/somebody"], "Labels": {}},)

        with fake_engine(places.socket, replies(running=running)):
            said = stop_engine_if_ours(places)

        assert said == "The engine goes on: somebody run in it."

    def test_an_engine_that_does_not_answer_is_left_alone(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dockerd, "our_engine", lambda _: os.getpid())

        assert "does not answer" in stop_engine_if_ours(places)

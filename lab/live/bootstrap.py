"""Making sure that a container engine answers: found, else installed and started."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import docker.errors
import requests.exceptions

from lab.errors import EnvironmentUnfit
from lab.live import dockerd
from lab.live.apt import apt_install, can_apt_install, services_stay_stopped
from lab.live.dockerd import Places, Tell
from lab.live.naming import LAB

#: Puts a question to a person; None stands for nobody there to ask.
Ask = Callable[[str], bool] | None

#: What the lab's calls need (Engine 20.10).
OLDEST_API = (1, 41)
#: `no` declines, `yes` agrees, without anybody being asked.
CONSENT_VARIABLE = "LAB_INSTALL_ENGINE"
USUAL = Places()

_ANSWER_TIMEOUT_S = 5
_START_DEADLINE_S = 60
_STOP_DEADLINE_S = 30
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """The engine that answers; `started` if it was started just now."""

    version: str
    api_version: str
    machine: str
    started: bool = False


def ensure_engine(ask: Ask, tell: Tell, places: Places = USUAL) -> EngineInfo:
    """Return the engine that answers, installed and started if need be.

    Args:
        ask: Lets a person decline; None if there is nobody to ask.
        tell: Hears, one sentence at a time, what is done.
        places: Where the engine keeps its things.

    Raises:
        EnvironmentUnfit: There is none and there cannot be one; the message says why.
    """
    seen = look(places)
    if isinstance(seen, EngineInfo):
        return seen
    _demand_that_one_can_be_started(seen)
    deed = _deed()
    if not _agreed(ask, deed):
        raise EnvironmentUnfit(
            f"no container engine answers, and starting one was declined: start one, "
            f"or let the lab do it ({CONSENT_VARIABLE}=yes)"
        )
    tell(f"No container engine answers: the lab will {deed}.")
    with _one_at_a_time(places):
        if dockerd.program() is None:
            _install()
        return replace(_start(tell, places), started=True)


def look(places: Places = USUAL) -> EngineInfo | str:
    """Return the engine that answers, or why none does.

    Raises:
        EnvironmentUnfit: One answers, and it is too old.
    """
    host = os.environ.get("DOCKER_HOST") or f"unix://{places.socket}"
    if host.startswith("unix://") and (
        refusal := _refusal(host.removeprefix("unix://"))
    ):
        return refusal
    try:
        with closing(_client(places)) as client:
            about = client.version()
            machine = client.info()["Architecture"]
    except (docker.errors.DockerException, requests.exceptions.RequestException) as exc:
        return str(exc)
    if tuple(int(part) for part in about["ApiVersion"].split(".")) < OLDEST_API:
        raise EnvironmentUnfit(
            f"the engine {about['Version']} is too old: Docker 20.10 or newer is needed"
        )
    return EngineInfo(
        version=about["Version"], api_version=about["ApiVersion"], machine=machine
    )


def _refusal(path: str) -> str:
    """Return why nobody can be reached at a socket; "" if somebody listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError as exc:
            return f"{path}: {exc.strerror}"
    return ""


def connect() -> docker.DockerClient:
    """Connect to the engine, for the caller to close.

    Raises:
        EnvironmentUnfit: None answers.
    """
    try:
        return docker.from_env(version="auto")
    except docker.errors.DockerException as exc:
        raise EnvironmentUnfit(f"no container engine answers: {exc}") from exc


def _client(places: Places) -> docker.DockerClient:
    """Connect to what DOCKER_HOST names, else to the socket of these places."""
    environment = {"DOCKER_HOST": f"unix://{places.socket}"} | os.environ
    return docker.from_env(
        version="auto", timeout=_ANSWER_TIMEOUT_S, environment=environment
    )


def _demand_that_one_can_be_started(reason: str) -> None:
    if host := os.environ.get("DOCKER_HOST"):
        raise EnvironmentUnfit(
            f"nothing answers at DOCKER_HOST={host}: start that engine or unset it"
        )
    if "Permission denied" in reason:
        raise EnvironmentUnfit(
            "a container engine runs, but this account may not use it: run as root "
            "or join the group `docker`"
        )
    startable = sys.platform == "linux" and os.geteuid() == 0 and dockerd.program()
    if not startable and not can_apt_install():
        raise EnvironmentUnfit(
            "no container engine answers: start Docker (20.10 or newer), point "
            "DOCKER_HOST at one, or run as root on Debian or Ubuntu to have one set up"
        )


def _deed() -> str:
    install = "" if dockerd.program() else "install the Debian package docker.io and "
    return f"{install}start dockerd"


def _agreed(ask: Ask, deed: str) -> bool:
    said = os.environ.get(CONSENT_VARIABLE, "").lower()
    if said in ("no", "yes"):
        return said == "yes"
    return ask is None or ask(f"No container engine answers. Shall the lab {deed}?")


@contextmanager
def _one_at_a_time(places: Places) -> Iterator[None]:
    """Let two harnesses that find no engine start just one."""
    places.ours.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (places.ours / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()  # sd_booted(3)


def _install() -> None:
    with nullcontext() if _has_systemd() else services_stay_stopped():
        apt_install("docker.io")


def _start(tell: Tell, places: Places) -> EngineInfo:
    seen = look(places)
    if isinstance(seen, EngineInfo):
        return seen
    if _has_systemd():
        _start_service()
        return _await_answer(places, threading.Event().wait)
    pid = dockerd.running_engine(places)
    if pid is None:
        dockerd.clear_leftovers(places, tell)
        pid = dockerd.spawn(places)
    try:
        return _await_answer_of(pid, places, tell)
    except EnvironmentUnfit:
        if not dockerd.mend(places, tell):
            raise
    return _await_answer_of(dockerd.spawn(places), places, tell)


def _await_answer_of(pid: int, places: Places, tell: Tell) -> EngineInfo:
    with dockerd.end_of(pid) as ended:
        seen = _await_answer(places, ended)
    if dockerd.our_engine(places) == pid:
        dockerd.spare_bridged_frames(places, tell)
    return seen


def _start_service() -> None:
    done = subprocess.run(
        ["systemctl", "start", "docker"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EnvironmentUnfit(
            f"systemd could not start docker (`journalctl -u docker` tells more): "
            f"{done.stderr.strip()}"
        )


def _await_answer(places: Places, ended: Callable[[float], bool]) -> EngineInfo:
    deadline = time.monotonic() + _START_DEADLINE_S
    while time.monotonic() < deadline:
        seen = look(places)
        if isinstance(seen, EngineInfo):
            return seen
        if ended(_LOOK_EVERY_S):
            raise EnvironmentUnfit(
                f"dockerd ended at once:\n{dockerd.log_tail(places)}"
            )
    raise EnvironmentUnfit(
        f"dockerd does not answer after {_START_DEADLINE_S} s:\n"
        f"{dockerd.log_tail(places)}"
    )


def stop_engine_if_ours(places: Places = USUAL) -> str:
    """End the engine that `ensure_engine` started, unless others use it.

    Returns:
        What was done or why not, in a sentence; "" if no engine of ours runs.
    """
    pid = dockerd.our_engine(places)
    if pid is None:
        return ""
    if isinstance(look(places), str):
        return (
            f"The engine (process {pid}) does not answer: what runs in it is unknown."
        )
    if others := _foreign_containers(places):
        return f"The engine goes on: {', '.join(others)} run in it."
    with dockerd.end_of(pid) as ended:
        os.kill(pid, signal.SIGTERM)
        if not ended(_STOP_DEADLINE_S):
            return f"The engine (process {pid}) has not ended yet."
    dockerd.forget(places)
    return "The engine that the lab had started is stopped."


def restart_engine_if_ours(tell: Tell, places: Places = USUAL) -> bool:
    """End the engine that `ensure_engine` started and start it anew.

    Returns:
        Whether it is a new one; not if it is somebody else's, or others use it.

    Raises:
        EnvironmentUnfit: It has ended, and a new one does not start.
    """
    if dockerd.our_engine(places) is None:
        return False
    tell(stop_engine_if_ours(places))
    if dockerd.our_engine(places) is not None:
        return False
    _start(tell, places)
    return True


def _foreign_containers(places: Places) -> list[str]:
    with closing(_client(places)) as client:
        running = client.api.containers()
    return [c["Names"][0].lstrip("/") for c in running if LAB not in c["Labels"]]

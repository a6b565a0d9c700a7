"""The engine as a process of this machine: its leftovers, its start, whose it is.

Speaks no engine API. What is started here is written down with its process id and
start time, so that it can be ended by them and by nothing else.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import EnvironmentUnfit
from lab.live.halfdeleted import let_go_of_pools
from lab.live.naming import LAB

Tell = Callable[[str], None]

_LOG_TAIL_LINES = 10
#: The engine starts itself anew for each step of a container's start, a quarter of the
#: work until a lab is ready, and each time collects the garbage of its own beginning.
#: Source: Go's package runtime, GOGC; an engine holds 180 MB with it.
_RARELY_COLLECTED = {"GOGC": "400"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where an engine keeps its things; other than usual only in tests."""

    socket: Path = Path("/var/run/docker.sock")
    pid_file: Path = Path("/var/run/docker.pid")
    containerd_pid_file: Path = Path("/var/run/docker/containerd/containerd.pid")
    containerd_socket: Path = Path("/run/containerd/containerd.sock")
    network_store: Path = Path("/var/lib/docker/network/files/local-kv.db")
    bridge_filter: Path = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    ours: Path = Path("/run") / LAB
    arguments: tuple[str, ...] = ()

    @property
    def state_file(self) -> Path:
        """Which process we started."""
        return self.ours / "engine.json"

    @property
    def bridge_filter_was(self) -> Path:
        """What `bridge_filter` said before we changed it."""
        return self.ours / "bridge-filter-was"

    @property
    def log_file(self) -> Path:
        """What it says."""
        return self.ours / "dockerd.log"


def program() -> str | None:
    """Return the path of dockerd, if it is installed."""
    folders = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    return shutil.which("dockerd", path=folders)


def started_at(pid: int, name: str) -> int | None:
    """Return when a live process of that name started, in clock ticks since boot.

    None if the process is gone, a zombie, or another program (proc_pid_stat(5)).
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    seen = text[text.index("(") + 1 : text.rindex(")")]
    state, *fields = text[text.rindex(")") + 2 :].split()
    return int(fields[18]) if seen == name and state not in "ZX" else None


def running_engine(places: Places) -> int | None:
    """Return the process id of an engine that runs, whether or not it answers."""
    pid = _pid_in(places.pid_file)
    return pid if pid and started_at(pid, "dockerd") else None


def clear_leftovers(places: Places, tell: Tell) -> None:
    """Remove what would keep an engine from starting after one was ended hard.

    dockerd takes any process with the id in a pid file for a running engine, and any
    socket file for a running containerd. What still runs is left to it: it takes over
    a containerd and ends containers that outlived their engine.
    """
    for file, name in (
        (places.pid_file, "dockerd"),
        (places.containerd_pid_file, "containerd"),
    ):
        pid = _pid_in(file)
        if file.exists() and not (pid and started_at(pid, name)):
            tell(f"Removed {file}: no {name} has that process id.")
            file.unlink()
    stale = places.containerd_socket
    if stale.exists() and not _listens(stale):
        tell(f"Removed {stale}: nobody listens there.")
        stale.unlink()


def _pid_in(file: Path) -> int | None:
    with suppress(FileNotFoundError, ValueError):
        return int(file.read_text("ascii"))
    return None


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def spawn(places: Places) -> int:
    """Start dockerd in a session of its own and write down that it is ours."""
    path = program()
    if path is None:
        raise EnvironmentUnfit("docker.io is installed, but dockerd is not to be found")
    places.ours.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = (str(places.log_file), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    pid = os.posix_spawn(
        path,
        [path, *places.arguments],
        _RARELY_COLLECTED | os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, *log),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    state = {"pid": pid, "started": started_at(pid, "dockerd")}
    places.state_file.write_text(json.dumps(state), "ascii")
    return pid


def mend(places: Places, tell: Tell) -> bool:
    """Mend what a dockerd that ended at once choked on; return whether that was done.

    Known is one cause: networks whose deletion was cut short.
    """
    if "(*controller).reservePools" not in _log(places):
        return False
    names = let_go_of_pools(places.network_store)
    if names:
        tell(f"dockerd choked on half-deleted networks; mended: {', '.join(names)}.")
    return bool(names)


def our_engine(places: Places) -> int | None:
    """Return the process id of the engine that `spawn` started, if it still runs."""
    try:
        state = json.loads(places.state_file.read_text("ascii"))
    except (FileNotFoundError, PermissionError):
        return None
    alive = started_at(state["pid"], "dockerd")
    return int(state["pid"]) if alive and alive == state["started"] else None


def spare_bridged_frames(places: Places, tell: Tell) -> None:
    """Let frames between containers pass without the host's packet filter.

    It would track every connection in the lab, and the engine looks through all of them
    whenever a container leaves a network. `forget` undoes it. Source: the kernel's
    Documentation/networking/ip-sysctl.rst, bridge-nf-call-iptables.
    """
    with suppress(FileNotFoundError):  # a kernel without such a filter
        was = places.bridge_filter.read_text("ascii")
        if was.strip() != "0":
            places.bridge_filter_was.write_text(was, "ascii")
            places.bridge_filter.write_text("0\n", "ascii")
            tell(
                "Until it is stopped, frames between containers pass the host's packet "
                f"filter by: {places.bridge_filter} is 0."
            )


def forget(places: Places) -> None:
    """Forget the engine that was ours, once it has ended, and what was set for it."""
    with suppress(FileNotFoundError):
        was = places.bridge_filter_was.read_text("ascii")
        places.bridge_filter.write_text(was, "ascii")
    shutil.rmtree(places.ours)


def log_tail(places: Places) -> str:
    """Return the last lines of an engine that `spawn` started, or its panic's first."""
    lines = _log(places).splitlines()
    panics = [at for at, line in enumerate(lines) if line.startswith("panic:")]
    begin = panics[0] if panics else max(0, len(lines) - _LOG_TAIL_LINES)
    return "\n".join(lines[begin : begin + _LOG_TAIL_LINES])


def _log(places: Places) -> str:
    with suppress(FileNotFoundError):
        return places.log_file.read_text("utf-8", "replace")
    return ""


@contextmanager
def end_of(pid: int) -> Iterator[Callable[[float], bool]]:
    """Hand out a function that waits so many seconds for a process to end."""
    handle = os.pidfd_open(pid)
    try:
        yield lambda wait_s: bool(select.select([handle], [], [], wait_s)[0])
    finally:
        os.close(handle)
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)

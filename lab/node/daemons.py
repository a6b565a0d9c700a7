"""The node's daemons: started, listened to, killed, frozen, stopped, not restarted."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from typing import IO, Any

#: How long a daemon may take to end after SIGTERM before it is killed.
STOP_DEADLINE_S = 5.0


class Daemon:
    """One process of the node.

    Attributes:
        expected_exit: True once somebody meant it to end.
        frozen: True while it is stopped (SIGSTOP).
        silent: True once it has closed its output.
    """

    def __init__(self, process: dict[str, Any]) -> None:
        """Start it in a process group of its own, output joined and piped."""
        self.name: str = process["name"]
        self.expected_exit = False
        self.frozen = False
        self.popen: subprocess.Popen[bytes] = subprocess.Popen(
            process["argv"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **process["env"]},
            user=process["user"] or None,
            group=pwd.getpwnam(process["user"]).pw_gid if process["user"] else None,
            extra_groups=[] if process["user"] else None,
            process_group=0,
        )
        self.exit_fd = os.pidfd_open(self.popen.pid)
        os.set_blocking(self.output.fileno(), False)
        self._rest = b""
        self.silent = False

    @property
    def output(self) -> IO[bytes]:
        """The daemon's output pipe."""
        assert self.popen.stdout is not None
        return self.popen.stdout

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.popen.poll() is None

    def signal(self, number: int) -> None:
        """Signal the whole process group, unless it has ended."""
        if self.running:
            os.killpg(self.popen.pid, number)
            self.frozen = number == signal.SIGSTOP

    def kill(self) -> None:
        """End it at once: nothing of it runs after this."""
        self.expected_exit = True
        self.signal(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and insist after the deadline."""
        self.expected_exit = True
        self.signal(signal.SIGTERM)
        try:
            self.popen.wait(timeout=STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.popen.wait()

    def lines(self) -> list[str]:
        """Return the complete lines that it has printed since the last call."""
        try:
            chunk = os.read(self.output.fileno(), 65536)
        except BlockingIOError:
            return []
        self.silent = not chunk
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole if line]

    def close(self) -> None:
        """Give back the descriptors of an ended daemon."""
        self.output.close()
        os.close(self.exit_fd)


def timed(effect: Any) -> dict[str, int]:
    """Carry `effect` out and return when it can have happened."""
    before_ns = time.monotonic_ns()
    effect()
    return {"before_ns": before_ns, "after_ns": time.monotonic_ns()}

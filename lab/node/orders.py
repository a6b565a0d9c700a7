"""What BIRD is told to announce, or no more: static routes, enabled and disabled.

Who decides that, and why, is with the programs that look: `lab.node.announcer`,
`lab.node.guard`, `lab.node.standby`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab.node.probes import bird


class Announced:
    """Static protocols as BIRD was told of them: each told once, until it forgets.

    A BIRD that starts begins with all of them disabled, whatever the last one was told.
    """

    def __init__(self, socket: str, routes: Iterable[str]) -> None:
        """Begin without knowing what is announced, or by whom."""
        self._socket = socket
        self._told: dict[str, bool | None] = dict.fromkeys(routes)
        self._born_ns = 0

    def forget(self) -> None:
        """Know nothing any more: all is told anew."""
        self._told = dict.fromkeys(self._told)

    def set(self, routes: str, *, announced: bool) -> None:
        """Enable or disable a static protocol, unless it is so."""
        born_ns = self._bird_ns()
        if born_ns != self._born_ns:
            self._born_ns = born_ns
            self.forget()
        verb = "enable" if announced else "disable"
        if self._told[routes] != announced and order(self._socket, verb, routes):
            self._told[routes] = announced

    def _bird_ns(self) -> int:
        """Return when the socket was made; 0 if there is none."""
        try:
            return Path(self._socket).stat().st_ctime_ns
        except FileNotFoundError:
            return 0


def order(socket: str, verb: str, routes: str, why: str = "") -> bool:
    """Tell BIRD to `enable` or `disable` a static protocol; say so in the log.

    Returns:
        Whether it has heard: without a BIRD the next look tries again.
    """
    command = f"{verb} {routes}"
    said = f"{why}; {command}" if why else command
    try:
        reply = bird(socket, command)
    except OSError as exc:
        print(f"{said}: {exc}", flush=True)
        return False
    print(f"{said}: {reply.strip()}", flush=True)
    return True

"""What BIRD is told to announce, or no more: static routes, enabled and disabled.

Who decides that, and why, is with the programs that look: `lab.node.announcer`,
`lab.node.guard`, `lab.node.standby`.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.node.probes import bird, static_routes


def follow(socket: str, wanted: Mapping[str, bool]) -> None:
    """Enable or disable static protocols that are not as they are wanted.

    BIRD is asked how they are: others tell it, too, and one that starts begins with
    all of them disabled. Without a BIRD, the next look tries again.
    """
    try:
        announced = static_routes(socket)
    except OSError:
        return
    for routes, wish in wanted.items():
        if (routes in announced) != wish:
            order(socket, "enable" if wish else "disable", routes)


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

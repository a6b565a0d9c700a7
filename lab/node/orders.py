"""What BIRD is told to announce, or no more: static routes, enabled and disabled.

Who decides that, and why, is with the programs that look: `lab.node.announcer`,
`lab.node.guard`, `lab.node.standby`.
"""

from __future__ import annotations

from lab.node.probes import bird


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

"""`python3 -m lab.node.rtt TIMES ADDRESS...`: how long round trips to addresses take.

A connection to a port on which nobody listens: its refusal comes from the far kernel,
one round trip later. Prints {address: least in ms, or null if nothing came back}: a
packet may wait for a processor, and none arrives before its way is over.
"""

from __future__ import annotations

import errno
import json
import selectors
import socket
import sys
import time

#: The discard service (RFC 863), which nobody here offers.
_PORT = 9
_GAP_S = 0.01
#: More than a SYN needs for the longest way that a topology can declare.
_PATIENCE_S = 3.0
_ANSWERS = {0, errno.ECONNREFUSED}


class Prober:
    """Connections under way, and how long those took that were answered."""

    def __init__(self, port: int = _PORT) -> None:
        """Begin with none."""
        self._port = port
        self._selector = selectors.DefaultSelector()
        self.took_ms: dict[str, list[float]] = {}

    def begin(self, address: str) -> None:
        """Send a first packet to an address."""
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        began_ns = time.monotonic_ns()
        begun = connection.connect_ex((address, self._port))
        if begun not in {errno.EINPROGRESS, *_ANSWERS}:  # there is no way at all
            connection.close()
            return
        self._selector.register(
            connection, selectors.EVENT_WRITE, (connection, address, began_ns)
        )

    def wait(self, for_s: float) -> None:
        """See what comes back within a time, or until nothing is under way."""
        until = time.monotonic() + for_s
        while self._selector.get_map() and time.monotonic() < until:
            for key, _ in self._selector.select(until - time.monotonic()):
                self._end(*key.data)

    def _end(self, connection: socket.socket, address: str, began_ns: int) -> None:
        took_ms = (time.monotonic_ns() - began_ns) / 1e6
        self._selector.unregister(connection)
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in _ANSWERS:
            self.took_ms.setdefault(address, []).append(took_ms)
        connection.close()


def main() -> None:
    """Ask every address in turn, so many times."""
    times, addresses = int(sys.argv[1]), sys.argv[2:]
    prober = Prober()
    for _ in range(times):
        for address in addresses:
            prober.begin(address)
            prober.wait(_GAP_S)
    prober.wait(_PATIENCE_S)
    found = {a: min(took) for a, took in prober.took_ms.items()}
    print(json.dumps({address: found.get(address) for address in addresses}))


if __name__ == "__main__":
    main()

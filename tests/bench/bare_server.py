"""The cheapest service there is, for measuring who asks it: HTTP and DNS, one process.

Run as a script with a core to keep to; prints its two ports as a JSON line.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading

_BODY = b'{"region":"us-east","pop":"us-east","backend":"bare"}'
_REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)
#: One A record, 127.0.0.1, for the name in the question, TTL one hour.
_RECORD = struct.pack("!HHHIH", 0xC00C, 1, 1, 3600, 4) + bytes((127, 0, 0, 1))


def serve_http(listener: socket.socket) -> None:
    """Reply to one connection after the other, whatever it asks."""
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.recv(4096)
                connection.send(_REPLY)
            except ConnectionError:
                continue  # the asker gave up; it counts that itself


def serve_dns(responder: socket.socket) -> None:
    """Answer every question with the one record."""
    while True:
        query, sender = responder.recvfrom(512)
        header = query[:2] + struct.pack("!HHHHH", 0x8580, 1, 1, 0, 0)
        responder.sendto(header + query[12:] + _RECORD, sender)


def main(core: int) -> None:
    """Serve until killed."""
    os.sched_setaffinity(0, {core})
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    # Accept a connection once its request is there: no waiting, no event loop.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
    responder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    responder.bind(("127.0.0.1", 0))
    ports = {"port": listener.getsockname()[1], "dns_port": responder.getsockname()[1]}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    threading.Thread(target=serve_dns, args=(responder,), daemon=True).start()
    serve_http(listener)


if __name__ == "__main__":
    main(int(sys.argv[1]))

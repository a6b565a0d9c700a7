"""An engine in a socket of its own that answers what the lab asks first."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any


def replies(*, api: str = "1.41", running: tuple[dict[str, Any], ...] = ()) -> Any:
    """Return what an engine of that API replies, by the end of the path asked."""
    return {
        "/version": {"Version": "20.10.24", "ApiVersion": api},
        "/info": {"Architecture": "x86_64"},
        "/containers/json": running,
    }


@contextmanager
def fake_engine(path: Path, answers: dict[str, Any]) -> Iterator[None]:
    """Serve these answers on a socket at `path`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.path.partition("?")[0]
            found = next(a for end, a in answers.items() if asked.endswith(end))
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()

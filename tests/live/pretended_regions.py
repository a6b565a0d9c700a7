"""What runs beside a provider's daemon in its container: regions for it to check.

`python3 -c <this text> <addresses> <regions' addresses> <argv…>`. A region answers a
check with 503 while the file `/tmp/down-<address>-<probe>` is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lab.node.spec import write_files


class Region(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        address = self.server.server_address[0]
        down = os.path.exists(f"/tmp/down-{address}-{self.path.strip('/')}")
        status = "503 Service Unavailable" if down else "200 OK"
        self.wfile.write(f"HTTP/1.0 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: the log is the daemon's."""


def main(own: str, regions: str, *argv: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (*own.split(), *regions.split()):
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    for address in regions.split():
        server = ThreadingHTTPServer((address, 80), Region)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    os.makedirs("/run/lab", exist_ok=True)
    write_files(os.environ["LAB_FILES"])
    sys.exit(subprocess.run(argv, check=False).returncode)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Readiness probes: each looks at the service itself and says what it saw last.

A probe takes a condition's arguments and returns (holds, what was seen). What cannot
be reached yet is a condition that does not hold, never an error.
"""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
from collections.abc import Callable
from typing import Any

from lab.node.together import together

PROBE_TIMEOUT_S = 0.5
Seen = tuple[bool, str]


def holds(condition: dict[str, Any], awaited: str = "") -> Seen:
    """Probe one condition, unless something that it waits for is `awaited`."""
    if awaited:
        return False, f"waits for {awaited}"
    try:
        return PROBES[condition["kind"]](condition["args"])
    except (OSError, ValueError) as exc:
        return False, f"{type(exc).__name__}: {exc}"


def bird(path: str, command: str) -> str:
    """Return BIRD's reply to a command on its control socket (BIRD manual, 4.4)."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(PROBE_TIMEOUT_S)
        control.connect(path)
        _bird_reply(control)
        control.sendall(command.encode() + b"\n")
        return _bird_reply(control)


def _bird_reply(control: socket.socket) -> str:
    reply = b""
    while True:
        chunk = control.recv(65536)
        reply += chunk
        last = reply.rstrip(b"\n").rsplit(b"\n", 1)[-1]
        done = last[:4].isdigit() and last[4:5] in (b" ", b"")
        if not chunk or (done and reply.endswith(b"\n")):
            return reply.decode()


def probe_bgp(args: dict[str, Any]) -> Seen:
    """Every session in `sessions` is established, and BFD is up with every neighbour.

    Sessions begin without BFD; a neighbour that died before it is up would be missed
    until the hold time is over.
    """
    states = {}
    for words in _rows(bird(args["socket"], "show protocols")):
        if len(words) > 3 and words[1] == "BGP":
            states[words[0]] = words[-1]
    bfd = args["neighbours"] and bird(args["socket"], "show bfd sessions")
    watched = {w[0]: w[2] for w in _rows(bfd or "") if len(w) > 5}
    down = {s: states.get(s, "absent") for s in args["sessions"]}
    down |= {f"BFD with {n}": watched.get(n, "absent") for n in args["neighbours"]}
    down = {s: state for s, state in down.items() if state not in {"Established", "Up"}}
    return not down, ", ".join(f"{s} {state}" for s, state in down.items())


def probe_announced(args: dict[str, Any]) -> Seen:
    """Each of BIRD's static protocols in `routes` is enabled."""
    disabled = sorted(set(args["routes"]) - static_routes(args["socket"]))
    return not disabled, ", ".join(f"{routes} is disabled" for routes in disabled)


def static_routes(path: str) -> frozenset[str]:
    """Return the names of BIRD's static protocols that are enabled.

    Raises:
        OSError: No BIRD answers at this socket.
    """
    rows = _rows(bird(path, "show protocols"))
    return frozenset(
        w[0] for w in rows if len(w) > 3 and (w[1], w[3]) == ("Static", "up")
    )


def _rows(reply: str) -> list[list[str]]:
    """Return the words of each line of a BIRD reply, without its reply codes."""
    return [
        (line[5:] if line[:4].isdigit() else line).split()
        for line in reply.splitlines()
    ]


def probe_route(args: dict[str, Any]) -> Seen:
    """Every prefix has a kernel route with at least `paths` next hops."""
    shown = subprocess.run(
        ["ip", "-j", "-4", "route", "show"], check=True, capture_output=True, text=True
    )
    hops: dict[str, int] = {}
    for route in json.loads(shown.stdout or "[]"):
        prefix, ways = route["dst"], len(route.get("nexthops", [0]))
        hops[prefix] = max(hops.get(prefix, 0), ways)
    # `ip` writes the routes of single hosts without their length.
    found = {p: hops.get(p.removesuffix("/32"), 0) for p in args["prefixes"]}
    missing = [
        f"{prefix} has {found[prefix]} of {paths} paths"
        for prefix, paths in args["prefixes"].items()
        if found[prefix] < paths
    ]
    return not missing, ", ".join(missing)


def dns_question(name: str, identifier: int, subnet: str = "") -> bytes:
    """Return a recursive question for the A records of `name` (RFC 1035, section 4).

    It tells the /24 of the address `subnet` (RFC 7871, section 6), if there is one.
    """
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    qname = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    told = _client_subnet(subnet) if subnet else b""
    header = struct.pack("!6H", identifier, 0x0100, 1, 0, 0, bool(told))
    return header + qname + b"\0\1\0\1" + told


def _client_subnet(address: str) -> bytes:
    """Return an OPT record (RFC 6891, section 6.1.2) with a /24 client subnet."""
    option = struct.pack("!3H2B", 8, 7, 1, 24, 0) + socket.inet_aton(address)[:3]
    return struct.pack("!B2HIH", 0, 41, 1232, 0, len(option)) + option


def dns_addresses(reply: bytes) -> tuple[int, list[str]]:
    """Return (rcode, A records of the answer section) of a reply."""
    _, flags, questions, answers, _, _ = struct.unpack("!6H", reply[:12])
    at, addresses = 12, []
    for _ in range(questions):
        at = _after_name(reply, at) + 4
    for _ in range(answers):
        at = _after_name(reply, at)
        kind, _, _, size = struct.unpack("!HHIH", reply[at : at + 10])
        if kind == 1:
            addresses.append(socket.inet_ntoa(reply[at + 10 : at + 14]))
        at += 10 + size
    return flags & 15, addresses


def _after_name(reply: bytes, at: int) -> int:
    while True:
        size = reply[at]
        if size >= 0xC0:
            return at + 2
        at += 1 + size
        if size == 0:
            return at


def ask(server: str, name: str, subnet: str = "") -> tuple[int, list[str]]:
    """Ask `server` for the A records of `name`, over UDP, perhaps for a subnet."""
    identifier = int.from_bytes(os.urandom(2), "big")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(PROBE_TIMEOUT_S)
        udp.connect((server, 53))
        udp.send(dns_question(name, identifier, subnet))
        while True:
            reply = udp.recv(4096)
            if int.from_bytes(reply[:2], "big") == identifier:
                return dns_addresses(reply)


def probe_dns(args: dict[str, Any]) -> Seen:
    """`server` answers `name` with some of, and nothing but, `expect` (if given).

    It is not asked before the conditions of `after` hold (`unmet`): a resolver would
    cache what an authority says while its health checks have not settled.
    """
    rcode, addresses = ask(args["server"], args["name"], args.get("subnet", ""))
    wanted = set(args.get("expect", []))
    if rcode != args.get("rcode", 0):
        return False, f"rcode {rcode}"
    good = set(addresses) <= wanted if wanted else True
    needed = args.get("rcode", 0) == 0 and not args.get("empty_ok", False)
    seen = f"{args['server']} answers {', '.join(addresses) or 'nothing'}"
    return good and (bool(addresses) or not needed), seen


def unmet(after: list[dict[str, Any]]) -> str:
    """Return what the first condition that does not hold has seen; "" if all hold.

    Those of `after`: what a condition waits for before it is looked at itself.
    """
    seen = together(lambda args: holds({"kind": "dns", "args": args}), after)
    return next((what for good, what in seen if not good), "")


def get(
    host: str,
    port: int,
    path: str,
    name: str = "",
    *,
    timeout_s: float = PROBE_TIMEOUT_S,
) -> tuple[int, str]:
    """Return (status, body) of one HTTP GET.

    Each step of it may take `timeout_s`.

    Raises:
        OSError: Nobody answers, or in another protocol.
    """
    # A third of this program's start-up time, and not every node needs it.
    import http.client

    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Host": name or host})
        reply = connection.getresponse()
        return reply.status, reply.read().decode("utf-8", "replace")
    except http.client.HTTPException as exc:
        raise OSError(f"no HTTP from {host}: {exc!r}") from exc
    finally:
        connection.close()


def probe_http(args: dict[str, Any]) -> Seen:
    """A GET gives `status` (200 unless said)."""
    status, _ = get(args["host"], args["port"], args["path"])
    return status == args.get("status", 200), f"status {status}"


def probe_envoy(args: dict[str, Any]) -> Seen:
    """Each of Envoy's clusters has at least so many healthy hosts (admin interface)."""
    _, body = get("127.0.0.1", args["port"], "/clusters?format=json")
    healthy: dict[str, int] = {}
    for cluster in json.loads(body).get("cluster_statuses", []):
        states = [h["health_status"] for h in cluster.get("host_statuses", [])]
        healthy[cluster["name"]] = sum(
            s.get("eds_health_status") == "HEALTHY"
            and not s.get("failed_active_health_check")
            for s in states
        )
    short = {c: n for c, n in args["clusters"].items() if healthy.get(c, 0) < n}
    seen = (f"{c} has {healthy.get(c, 0)} of {n} healthy" for c, n in short.items())
    return not short, ", ".join(seen)


def probe_gdnsd(args: dict[str, Any]) -> Seen:
    """Every service that gdnsd monitors is UP (gdnsdctl(8), `states`)."""
    shown = subprocess.run(args["argv"], capture_output=True, text=True, check=False)
    if shown.returncode:
        return False, shown.stderr.strip()
    states = json.loads(shown.stdout)
    # NA: a name for something that has no monitor.
    down = [name for name, s in states.items() if s["real_state"] not in ("UP", "NA")]
    return bool(states) and not down, "down: " + ", ".join(down)


def probe_journey(args: dict[str, Any]) -> Seen:
    """Each name, asked of each resolver, leads to a good reply of the service.

    `regions` maps a name to the region that must reply, where just one may; `after`
    is as in `probe_dns`. An address is tried once for all names that lead to it, one
    address after the other: many requests at once are beyond what a small region's
    backends declare to serve.
    """
    ways = [(r, name) for r in args["resolvers"] for name in args["names"]]
    answers = together(lambda way: ask(args["resolvers"][way[0]], way[1])[1], ways)
    regions: dict[str, str] = {}
    for (resolver, name), addresses in zip(ways, answers, strict=True):
        if not addresses:
            return False, f"{resolver} has no address for {name}"
        address = addresses[0]
        if address not in regions:
            status, body = get(address, 80, "/", name)
            if status != 200:
                return False, f"{name} by {resolver}: status {status}"
            regions[address] = json.loads(body).get("region", "")
        region = regions[address]
        if not region or args["regions"].get(name, region) != region:
            return False, f"{name} by {resolver}: status 200 {region}"
    return True, ""


def probe_said(args: dict[str, Any]) -> Seen:
    """The last log line of `process` that matches `pattern` has `want` as group 1.

    For daemons that tell of a state only when it changes.
    """
    said = LAST_SAID.get((args["process"], args["pattern"]))
    return said == args["want"], f"{args['process']} said {said}"


#: (process, pattern) -> group 1 of the last matching log line; see `listen_for`.
LAST_SAID: dict[tuple[str, str], str | None] = {}


def listen_for(conditions: list[dict[str, Any]]) -> None:
    """Register the patterns that the node's conditions ask for."""
    for condition in conditions:
        if condition["kind"] == "said":
            args = condition["args"]
            LAST_SAID[args["process"], args["pattern"]] = None


def heard(process: str, line: str) -> None:
    """Remember a log line that a condition asks for."""
    for name, pattern in LAST_SAID:
        if name == process and (match := re.search(pattern, line)):
            LAST_SAID[name, pattern] = match[1]


def forget(process: str) -> None:
    """Forget what an ended process said: its successor knows nothing of it."""
    for name, pattern in LAST_SAID:
        if name == process:
            LAST_SAID[name, pattern] = None


PROBES: dict[str, Callable[[dict[str, Any]], Seen]] = {
    "announced": probe_announced,
    "bgp": probe_bgp,
    "route": probe_route,
    "dns": probe_dns,
    "http": probe_http,
    "envoy": probe_envoy,
    "gdnsd": probe_gdnsd,
    "journey": probe_journey,
    "said": probe_said,
}

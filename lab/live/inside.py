"""What containers may do on this machine, looked at from inside of one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import docker
import docker.errors
import requests.exceptions

from lab.live.checks import Check, CheckState, check
from lab.live.naming import LAB
from lab.live.stages import image_name

_PROBE = """\
ip link set lo up && echo net-admin
tc qdisc add dev lo root netem delay 1ms 2>/dev/null && echo netem
why=$({ ip link add near type veth peer name far && python3 -S -c \
  'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'; } 2>&1) \
  && echo relay || echo "no relay: $(printf %s "$why" | tail -n 1)"
python3 -S -c 'import time; print("clock", time.monotonic_ns())'
"""


def look_inside(client: docker.DockerClient) -> Iterator[Check]:
    """Look at what containers may do, from inside of one."""
    before = time.monotonic_ns()
    try:
        raw = client.containers.run(
            image_name("base"),
            ["-c", _PROBE],
            entrypoint="sh",
            cap_drop=["ALL"],
            cap_add=["NET_ADMIN", "NET_RAW"],
            network_mode="none",
            read_only=True,
            remove=True,
            labels={LAB: "doctor"},
        )
    except (docker.errors.DockerException, requests.exceptions.RequestException) as exc:
        said = str(exc)
    else:
        said = raw.decode("utf-8", "replace")
    yield from probe_checks(said, before_ns=before, after_ns=time.monotonic_ns())


def probe_checks(said: str, *, before_ns: int, after_ns: int) -> Iterator[Check]:
    """Yield what a container's words tell; it ran between the two host times."""
    words = said.split()
    yield check(
        "capabilities",
        good="net-admin" in words,
        seen="containers can have NET_ADMIN" if "net-admin" in words else said.strip(),
        advice="use an engine whose containers may have the capability NET_ADMIN",
    )
    yield delay_check(said.splitlines())
    if "clock" in words:
        yield clock_check(int(words[words.index("clock") + 1]), before_ns, after_ns)


def delay_check(said: Sequence[str]) -> Check:
    """Return by which means long links get their delay."""
    if "netem" in said:
        return Check(name="delay", state=CheckState.OK, seen="by netem")
    relay, no = "by a relay in transit routers: this kernel has no netem", "no relay: "
    why = next((s.removeprefix(no) for s in said if s.startswith(no)), "unknown")
    return check(
        "delay",
        good="relay" in said,
        seen=relay if "relay" in said else f"neither netem nor a relay: {why}",
        advice="links that declare a delay need the kernel module sch_netem; Ubuntu: "
        "apt install linux-modules-extra-$(uname -r)",
        bad=CheckState.WARN,
    )


def clock_check(inside_ns: int, before_ns: int, after_ns: int) -> Check:
    """Return whether containers share the host's monotonic clock."""
    shared = before_ns <= inside_ns <= after_ns
    return check(
        "clock",
        good=shared,
        seen="containers share the host's clock"
        if shared
        else f"{abs(inside_ns - after_ns) / 1e9:.1f} s apart from the host's",
        advice="run the lab on the machine (or in the virtual machine) of the engine",
    )

"""The recovery that the agent reports, against the packets of the same run.

Both sides are reduced to the same question, for all clients of an access network that
use one kind of address: when began the first connection that was answered and after
which every connection was?
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.utils import PcapReader

from lab.history import EventKind, Outcome
from lab.paths import runs_folder
from lab.store import StoredRun, load

pytestmark = pytest.mark.bench

LAB = Path(sys.executable).parent / "lab"
NAME = f"bench-capture-{os.getpid()}"
NS = 1_000_000_000
SYN, ACK = 0x02, 0x10


@pytest.fixture(scope="module")
def run() -> Iterator[StoredRun]:
    subprocess.run([LAB, "run", "region-kill", "--lab", NAME], check=True)
    yield load(runs_folder(), "latest")
    subprocess.run([LAB, "down", "--lab", NAME], check=True)


def _observed(run: StoredRun) -> tuple[int, int]:
    """Return the times of the fault and of the restore, since the run's start."""
    at = {e.kind: e.at_ns for e in run.history.events}
    return at[EventKind.FAULT], at[EventKind.RESTORE]


def _recovery(points: list[tuple[int, bool]]) -> int:
    """Return the first good point after the last bad one."""
    last_bad = max(at for at, good in points if not good)
    return min(at for at, good in points if good and at > last_bad)


def _by_agent(run: StoredRun, access: str, qname: str) -> int:
    begin, end = _observed(run)
    cohorts = {
        c.name for c in run.scenario.watch if c.access == access and c.qname == qname
    }
    points = [
        (a.start_ns, a.outcome is Outcome.OK)
        for a in run.history.attempts
        if a.cohort in cohorts and begin <= a.start_ns < end
    ]
    return _recovery(points)


def _by_capture(run: StoredRun, node: str, addresses: set[str]) -> int:
    """Return the recovery from SYNs and the SYN-ACKs that answered them."""
    begin, end = _observed(run)
    details = (e.detail for e in run.history.events)
    wall_at_origin_ns = next(d["wall_ns"] for d in details if "wall_ns" in d)
    asked: dict[tuple[str, int, int], int] = {}
    answered: set[tuple[str, int, int]] = set()
    with PcapReader(str(run.folder / "capture" / f"{node}.pcap")) as packets:
        for packet in packets:
            if TCP not in packet:
                continue
            flags, tcp, ip = int(packet[TCP].flags), packet[TCP], packet[IP]
            at_ns = int(packet.time * NS) - wall_at_origin_ns
            if flags & (SYN | ACK) == SYN and ip.dst in addresses:
                asked.setdefault((ip.dst, tcp.sport, tcp.seq), at_ns)
            elif flags & (SYN | ACK) == SYN | ACK and ip.src in addresses:
                answered.add((ip.src, tcp.dport, tcp.ack - 1))
    return _recovery(
        [(at, key in answered) for key, at in asked.items() if begin <= at < end]
    )


def test_anycast_recovery_agrees_with_the_packets(run: StoredRun) -> None:
    agent = _by_agent(run, "access-us", "anycast")
    packets = _by_capture(run, "users-us", {str(run.topology.anycast.address)})
    fault, _ = _observed(run)
    print(
        f"\nagent {(agent - fault) / NS:.4f} s, packets {(packets - fault) / NS:.4f} s"
    )

    assert abs(agent - packets) <= 10_000_000

"""What a capture at an authority keeps, asked of the tcpdump that makes it."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from scapy.utils import PcapWriter

from lab.live.capture import filters
from lab.live.world import LiveWorld
from lab.topology.model import Topology

pytestmark = pytest.mark.live

READ = 'printf %s "$1" | base64 -d | tcpdump -n -Z root -r - "$0"'


def pcap(*packets: Packet) -> str:
    file = BytesIO()
    with PcapWriter(file, linktype=1) as writer:
        for packet in packets:
            writer.write(Ether() / packet)
        writer.flush()
        return base64.b64encode(file.getvalue()).decode("ascii")


def test_users_traffic_would_be_seen_and_the_authoritys_own_checks_are_not(
    world: LiveWorld, topology: Topology
) -> None:
    provider = topology.zone.providers[0]
    own, region = str(provider.address), str(topology.regions[0].address)
    user = str(topology.access[0].clients.address)
    resolver = str(topology.access[0].resolvers[0].address)
    web = {"sport": 40000, "dport": 80}
    packets = pcap(
        IP(src=user, dst=region) / TCP(**web),
        IP(src=own, dst=region) / TCP(**web),
        IP(src=resolver, dst=own) / UDP(sport=4000, dport=53),
    )

    wanted = filters(topology)[provider.name]
    told = world.execute(provider.name, "sh", "-c", READ, wanted, packets)

    kept = [line.split()[2] for line in told["stdout"].splitlines()]
    assert kept == [f"{user}.40000", f"{resolver}.4000"]

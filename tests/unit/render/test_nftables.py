"""Rules of the L4 nodes that send packets on: what is steered, and by whom."""

from __future__ import annotations

import json
from ipaddress import IPv4Address

from lab.render import nftables
from lab.render.model import Rendered
from lab.topology.l4 import L4Hash

SERVICE, ANYCAST = IPv4Address("203.0.113.10"), IPv4Address("198.51.100.1")
L7 = {"l7-1": (1, IPv4Address("10.0.0.4")), "l7-2": (2, IPv4Address("10.0.0.5"))}


def rendered() -> Rendered:
    return nftables.render("l4-1", (SERVICE, ANYCAST), L7, L4Hash.MAGLEV)


def test_what_is_for_a_service_is_steered_and_nothing_else_of_it_passes() -> None:
    (file,) = rendered().files
    steered = [line for line in file.text.splitlines() if str(SERVICE) in line]

    assert all(str(ANYCAST) in line for line in steered)
    assert [line.split()[-1] for line in steered] == ["choose", "drop", "choose"]


def test_what_it_cannot_read_is_steered_alike() -> None:
    secured = nftables.render("l4-1", (SERVICE,), L7, L4Hash.MAGLEV, tls=True)

    assert secured.files[0].text.count("tcp dport { 80, 443 } jump choose") == 2
    assert rendered().files[0].text.count("tcp dport 80 jump choose") == 2


def test_until_somebody_has_looked_every_packet_is_dropped() -> None:
    assert "chain choose { drop; }" in rendered().files[0].text


def test_the_steering_knows_the_ruleset_the_nodes_and_how_to_hash() -> None:
    (process,) = rendered().processes
    orders = json.loads(process.argv[-1])

    assert orders["ruleset"] == rendered().files[0].path
    assert orders["nodes"]["l7-2"] == {"mark": 2, "address": "10.0.0.5"}
    assert orders["hash"] == "maglev"


def test_it_is_ready_when_every_l7_node_gets_flows() -> None:
    (condition,) = rendered().conditions

    assert condition.args["want"] == "2"

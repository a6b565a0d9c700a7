"""Every daemon's own opinion of the configuration that it is given."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from lab.live.bootstrap import connect
from lab.live.naming import LAB
from lab.live.stages import image_name
from lab.plan.model import Node
from lab.plan.spec import environment
from tests.golden.configs import nodes, one_of_each

pytestmark = pytest.mark.live

#: Resolvers of brands and behaviours that two-region has not.
OTHERS = (
    "unbound-late",
    "unbound-ecs",
    "unbound-telling",
    "recursor-clamping",
    "recursor-stale",
    "recursor-ecs",
    "bind-honest",
    "bind-clamping",
    "bind-stale",
    "dnsmasq-forwarding",
    "dnsmasq-telling",
)
NODES = one_of_each() | nodes("resolver-zoo", OTHERS)
ONE_OF_EACH_STEM = {node.stem: name for name, node in reversed(NODES.items())}
#: What the first process does with its files, and nothing else.
WRITE_FILES = (
    "python3 -S -c 'import os; from lab.node.spec import write_files;"
    ' write_files(os.environ["LAB_FILES"])\''
)
BIRD = "bird -p -c /etc/lab/bird/bird.conf"
BIND = "mkdir -p /run/lab && named-checkconf /etc/lab/bind/named.conf"
DNSMASQ = "dnsmasq --test --conf-file=/etc/lab/dnsmasq/dnsmasq.conf"
ENVOY = "envoy --mode validate -c /etc/lab/envoy/envoy.yaml"
#: As before each of its starts.
CERTIFIED = "python3 -S -m lab.node.certificates serve lab node a.example.com -- true"
NSD = "nsd-checkconf /etc/lab/nsd/nsd.conf && nsd-checkzone {} /etc/lab/nsd/parent.zone"
RECURSOR = "pdns_recursor --config-dir=/etc/lab/recursor --config=check"
UNBOUND = "unbound-checkconf /etc/lab/unbound/unbound.conf"
CHECKS = {
    "transit-a": BIRD,
    "root": NSD.format("."),
    "tld": NSD.format("com"),
    "provider-a": (
        "pdns_server --config-dir=/etc/lab/pdns --config=check"
        " && pdnsutil --config-dir=/etc/lab/pdns check-all-zones"
    ),
    "provider-b": "gdnsd -c /etc/lab/gdnsd checkconf",
    "public": RECURSOR,
    "us-east-edge": BIRD,
    "us-east-l4-1": f"{BIRD} && {ENVOY}",
    "us-east-l7-1": f"{CERTIFIED} && {ENVOY}",
    "access-us": BIRD,
    "us-honest": UNBOUND,
    "us-clamping": UNBOUND,
    "us-stale": UNBOUND,
    **{
        name: {
            "bind": BIND,
            "dnsmasq": DNSMASQ,
            "recursor": RECURSOR,
            "unbound": UNBOUND,
        }[name.partition("-")[0]]
        for name in OTHERS
    },
}
#: Read when the daemon first needs them, by no checker.
UNCHECKED = {
    "/etc/lab/bind/rndc.conf",
    "/etc/lab/bind/root.hints",
    "/etc/lab/gdnsd/geography.mmdb",
    "/etc/lab/pdns/geography.mmdb",
    "/etc/lab/recursor/root.hints",
    "/etc/lab/unbound/root.hints",
}
SPOIL = """
cp {file} /tmp/good; echo '}} spoiled: {{' >> {file}
( {check} ) && echo 'accepted although spoiled: {file}'
cp /tmp/good {file}
"""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    yield client
    client.close()


def said(client: docker.DockerClient, node: Node, script: str) -> tuple[int, str]:
    """Return the status of a script beside the node's files, and what it said."""
    container = client.containers.create(
        image_name(node.stem),
        ["-c", f"exec 2>&1; {WRITE_FILES} || exit 99; {script}"],
        entrypoint="sh",
        environment=environment(node),
        tmpfs=dict.fromkeys(("/etc/lab", "/run", "/tmp"), ""),
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        labels={LAB: "test-configs"},
    )
    try:
        container.start()
        status: int = container.wait()["StatusCode"]
        return status, container.logs().decode("utf-8", "replace")
    finally:
        container.remove(force=True)


@pytest.mark.parametrize("name", NODES)
def test_a_daemon_accepts_what_it_is_given(
    client: docker.DockerClient, name: str
) -> None:
    status, words = said(client, NODES[name], CHECKS[name])

    assert status == 0, words


@pytest.mark.parametrize("name", ONE_OF_EACH_STEM.values())
def test_a_spoiled_file_would_not_be_accepted(
    client: docker.DockerClient, name: str
) -> None:
    paths = [f.path for f in NODES[name].files if f.path not in UNCHECKED]
    spoiled = (SPOIL.format(file=path, check=CHECKS[name]) for path in paths)

    status, words = said(client, NODES[name], f"{''.join(spoiled)}\n{CHECKS[name]}")

    assert "although spoiled" not in words, words
    assert status == 0, words  # the rest of its files were good

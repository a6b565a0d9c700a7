"""The images as they are in the engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from lab.live.bootstrap import connect
from lab.live.images import build, stale_stages
from lab.live.naming import LAB
from lab.live.stages import image_name

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.live

#: A command of each stage's own, and what it says.
WORDS = {
    "base": ("dig -v; ip -V; tcpdump --version", "DiG 9.20"),
    "bird": ("bird --version", "BIRD version 2.17"),
    "pdns": ("pdns_server --version", "PowerDNS Authoritative Server 4.9"),
    "gdnsd": ("gdnsd -h; true", "gdnsd version 3.8"),
    "nsd": ("nsd -v", "NSD version 4.12"),
    "unbound": ("unbound -V", "Version 1.26"),
    "recursor": ("pdns_recursor --version", "PowerDNS Recursor 5.2"),
    "envoy": ("envoy --version", "1.40.0"),
    "l4": ("bird --version; envoy --version", "1.40.0"),
    "clients": ("python3 -c 'import dns.message, uvloop; print(1)'", "1"),
    "backend": ("python3 -c 'import uvicorn, httptools, uvloop; print(1)'", "1"),
}


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    for _ in build(client, ROOT):
        pass
    yield client
    client.close()


def said(client: docker.DockerClient, stage: str, script: str) -> str:
    """Return what a script prints in a container as locked up as a node's."""
    raw = client.containers.run(
        image_name(stage),
        ["-c", f"exec 2>&1; {script}"],
        entrypoint="sh",
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        labels={LAB: "test-images"},
        remove=True,
    )
    return raw.decode("utf-8", "replace")


class TestBuild:
    def test_after_it_everything_is_current(self, client: docker.DockerClient) -> None:
        assert stale_stages(client, ROOT) == ()

    def test_a_second_one_does_nothing_in_under_a_second(
        self, client: docker.DockerClient
    ) -> None:
        began = time.monotonic()
        progress = list(build(client, ROOT))

        assert progress == []
        assert time.monotonic() - began < 1


class TestImages:
    @pytest.mark.parametrize("stage", WORDS)
    def test_each_has_its_daemon_in_the_pinned_version(
        self, client: docker.DockerClient, stage: str
    ) -> None:
        script, words = WORDS[stage]

        assert words in said(client, stage, script)

    @pytest.mark.parametrize("stage", sorted(WORDS.keys() - {"base"}))
    def test_each_carries_the_first_process(
        self, client: docker.DockerClient, stage: str
    ) -> None:
        seen = said(client, stage, "python3 -S -c 'import lab.node; print(lab.node)'")

        assert "/opt/lab/node" in seen

    def test_the_code_inside_is_compiled(self, client: docker.DockerClient) -> None:
        sources = said(client, "node", "find /opt/lab -name '*.py' | wc -l")
        compiled = said(client, "node", "find /opt/lab -name '*.pyc' | wc -l")

        assert sources == compiled

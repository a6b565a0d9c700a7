"""Whether this machine can run the lab: checks as values, rendered elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from ipaddress import IPv4Network
from pathlib import Path

import docker

from lab.errors import EnvironmentUnfit
from lab.live.bootstrap import EngineInfo, connect, look
from lab.live.checks import Check, CheckState, check
from lab.live.images import stale_stages
from lab.live.inside import look_inside
from lab.live.links import SPACES, free_subnets, host_routes
from lab.live.naming import LAB
from lab.live.stages import ARCHITECTURES, STAGES

OLDEST_PYTHON = (3, 11)
#: What the reference topology needs: its links, and memory for about thirty nodes.
_SUBNETS = 16
_MEMORY_BYTES = 4 * 2**30
_CORES = 2
_DISK_BYTES = 4 * 2**30


def examine(root: Path) -> tuple[Check, ...]:
    """Look at everything that the lab needs; change nothing.

    What only an engine can tell is left out when none answers.
    """
    return tuple(_examine(root))


def _examine(root: Path) -> Iterator[Check]:
    yield python_check(sys.version_info[:3])
    yield compose_check(_compose_version())
    try:
        seen = look()
    except EnvironmentUnfit as exc:
        seen = str(exc)
    yield engine_check(seen)
    if isinstance(seen, EngineInfo):
        with closing(connect()) as client:
            yield from _examine_engine(client, seen, root)


def _examine_engine(
    client: docker.DockerClient, engine: EngineInfo, root: Path
) -> Iterator[Check]:
    about = client.info()
    yield architecture_check(engine.machine)
    yield resources_check(cores=about["NCPU"], memory_bytes=about["MemTotal"])
    yield from _disk_checks(Path(about["DockerRootDir"]))
    yield subnets_check(_taken_subnets(client))
    yield leftovers_check(_labs(client))
    stale = stale_stages(client, root)
    yield images_check(stale)
    if "base" not in stale:
        yield from look_inside(client)


def python_check(version: tuple[int, ...]) -> Check:
    """Return whether this Python is new enough."""
    return check(
        "python",
        good=version >= OLDEST_PYTHON,
        seen=".".join(map(str, version)),
        advice="use Python 3.11 or newer: `make PYTHON=python3.12 …`",
    )


def engine_check(seen: EngineInfo | str) -> Check:
    """Return whether an engine answers; `seen` is it, or why it does not."""
    if isinstance(seen, EngineInfo):
        text = f"{seen.version}, API {seen.api_version}"
        return Check(name="engine", state=CheckState.OK, seen=text)
    return Check(
        name="engine",
        state=CheckState.FAIL,
        seen=f"none answers: {seen}",
        advice="start Docker, or let `lab doctor --fix` do it (root on Debian, Ubuntu)",
    )


def architecture_check(machine: str) -> Check:
    """Return whether images exist for the engine's architecture."""
    return check(
        "architecture",
        good=machine in ARCHITECTURES,
        seen=machine,
        advice=f"use an engine on {' or '.join(ARCHITECTURES)}",
    )


def resources_check(*, cores: int, memory_bytes: int) -> Check:
    """Return whether the engine has the cores and the memory for a lab."""
    return check(
        "resources",
        good=cores >= _CORES and memory_bytes >= _MEMORY_BYTES,
        seen=f"{cores} cores, {memory_bytes / 2**30:.0f} GiB memory",
        advice=f"give the engine {_CORES} cores and {_MEMORY_BYTES // 2**30} GiB, "
        "or measurements blur",
        bad=CheckState.WARN,
    )


def _disk_checks(folder: Path) -> Iterator[Check]:
    """Look at the engine's disk where the engine is on this machine."""
    if folder.is_dir():
        yield disk_check(shutil.disk_usage(folder).free)


def disk_check(free_bytes: int) -> Check:
    """Return whether the images find room."""
    return check(
        "disk",
        good=free_bytes >= _DISK_BYTES,
        seen=f"{free_bytes / 2**30:.0f} GiB free",
        advice=f"free {_DISK_BYTES // 2**30} GiB where the engine keeps its images",
        bad=CheckState.WARN,
    )


def subnets_check(taken: tuple[IPv4Network, ...]) -> Check:
    """Return whether a lab's links find free subnets."""
    try:
        first = free_subnets(_SUBNETS, taken)[0]
    except EnvironmentUnfit as exc:
        return Check(
            name="subnets",
            state=CheckState.FAIL,
            seen=str(exc),
            advice=f"free some of {', '.join(map(str, SPACES))}",
        )
    return Check(name="subnets", state=CheckState.OK, seen=f"free from {first} on")


def _taken_subnets(client: docker.DockerClient) -> tuple[IPv4Network, ...]:
    pools = (
        pool.get("Subnet", "")
        for network in client.api.networks()
        for pool in (network.get("IPAM") or {}).get("Config") or ()
    )
    of_networks = (IPv4Network(p, strict=False) for p in pools if p and ":" not in p)
    return (*of_networks, *host_routes())


def leftovers_check(labs: Mapping[str, int]) -> Check:
    """Return which labs are there; `labs` counts their objects, by name."""
    counted = (f"{name} ({count} objects)" for name, count in sorted(labs.items()))
    return check(
        "labs",
        good=not labs,
        seen=", ".join(counted) or "none is there",
        advice="`lab status` shows them, `lab down --all` removes them",
        bad=CheckState.WARN,
    )


def _labs(client: docker.DockerClient) -> dict[str, int]:
    filters = {"label": LAB}
    counts: dict[str, int] = {}
    for found in (
        *client.api.containers(all=True, filters=filters),
        *client.api.networks(filters=filters),
    ):
        name = found["Labels"][LAB]
        counts[name] = counts.get(name, 0) + 1
    return counts


def images_check(stale: tuple[str, ...]) -> Check:
    """Return whether all images are built from the present input."""
    return check(
        "images",
        good=not stale,
        seen=f"missing or outdated: {', '.join(stale)}"
        if stale
        else f"{len(STAGES)} built, all current",
        advice="`lab build`",
        bad=CheckState.WARN,
    )


def compose_check(version: str) -> Check:
    """Return whether compose.yaml can be used; the lab itself does without."""
    return check(
        "compose",
        good=bool(version),
        seen=version or "no compose plugin",
        advice="only `docker compose up` needs it: install Compose v2",
        bad=CheckState.WARN,
    )


def _compose_version() -> str:
    if not shutil.which("docker"):
        return ""
    done = subprocess.run(
        ["docker", "compose", "version", "--short"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode else done.stdout.strip()

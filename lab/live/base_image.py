"""The base image: pulled where a registry answers, else made from Debian's mirror."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import docker
import docker.errors
import requests.exceptions

from lab.errors import EnvironmentUnfit
from lab.live.apt import apt_install
from lab.live.stages import ARCHITECTURES, BASE_IMAGE

_SUITE = "trixie"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
#: How long a registry may take to describe an image before it counts as absent.
_REGISTRY_TIMEOUT_S = 10

#: What Debian's own slim images have beyond a minimal Debian, or leave out.
_SLIM_FILES = {
    "etc/apt/apt.conf.d/docker-no-languages": 'Acquire::Languages "none";\n',
    "etc/dpkg/dpkg.cfg.d/docker": """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
""",
    # No package starts its daemon by itself (invoke-rc.d(8)).
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
}
_SLIM_WITHOUT = (
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt/archives",
    "var/lib/apt/lists",
)


def ensure_base_image(client: docker.DockerClient, reference: str = BASE_IMAGE) -> None:
    """Make sure that the engine has the base image.

    Raises:
        EnvironmentUnfit: No registry answers, and it cannot be made here either.
    """
    if _has(client, reference):
        return
    try:
        _pull(client, reference)
    except (docker.errors.APIError, requests.exceptions.RequestException) as exc:
        _make(client, reference, reason=_one_line(exc))


def _has(client: docker.DockerClient, reference: str) -> bool:
    try:
        client.images.get(reference)
    except docker.errors.ImageNotFound:
        return False
    return True


def _pull(client: docker.DockerClient, reference: str) -> None:
    """Pull, after a quick look at whether the registry answers at all."""
    with closing(docker.from_env(timeout=_REGISTRY_TIMEOUT_S)) as quick:
        quick.images.get_registry_data(reference)
    client.images.pull(reference)


def _one_line(error: Exception) -> str:
    text = getattr(error, "explanation", None) or str(error)
    return " ".join(str(text).split())


def _make(client: docker.DockerClient, reference: str, *, reason: str) -> None:
    machine = client.info()["Architecture"]
    if os.geteuid() or not shutil.which("apt-get") or platform.machine() != machine:
        raise EnvironmentUnfit(
            f"no registry gives the image {reference} ({reason}), and making it from "
            f"Debian's mirror needs root on Debian or Ubuntu with the engine's "
            f"architecture ({machine}): connect to a registry, or "
            f"`docker load` the image"
        )
    apt_install("debootstrap", "debian-archive-keyring")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        root = Path(folder) / "root"
        _debootstrap(root, ARCHITECTURES[machine])
        _make_slim(root)
        _import(client, root, reference)


def _debootstrap(root: Path, architecture: str) -> None:
    """Install a minimal Debian into `root`; its mounts end with its namespace."""
    command = [
        *("unshare", "--mount", "debootstrap", "--variant=minbase"),
        *(f"--arch={architecture}", f"--keyring={_KEYRING}", _SUITE),
        # Its own default mirror; the script by name, for versions older than the suite.
        *(str(root), "", "/usr/share/debootstrap/scripts/sid"),
    ]
    environment = os.environ | {"DPKG_FORCE": "unsafe-io"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise EnvironmentUnfit(f"debootstrap could not make the base image:\n{tail}")


def _make_slim(root: Path) -> None:
    for folder in _SLIM_WITHOUT:
        shutil.rmtree(root / folder)
        (root / folder).mkdir()
    for name, text in _SLIM_FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)


def _import(client: docker.DockerClient, root: Path, reference: str) -> None:
    repository, _, tag = reference.partition(":")
    command = ["tar", "--numeric-owner", "-C", str(root), "-cf", "-", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
        client.api.import_image_from_stream(
            tar.stdout, repository=repository, tag=tag, changes=['CMD ["bash"]']
        )
    if tar.returncode or not _has(client, reference):
        raise EnvironmentUnfit(f"the engine did not import the image {reference}")

"""Installing Debian packages on the host, for what the lab itself needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import EnvironmentUnfit

_POLICY = Path("/usr/sbin/policy-rc.d")
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}


def can_apt_install() -> bool:
    """Return whether packages can be installed: root on Debian, Ubuntu or kin."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> None:
    """Install packages unless all are there.

    Raises:
        EnvironmentUnfit: They cannot be installed.
    """
    if _installed(packages):
        return
    for arguments in (["update"], ["install", "-y", "--no-install-recommends"]):
        names = packages if arguments[0] == "install" else ()
        done = subprocess.run(
            ["apt-get", "-q", *arguments, *names],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | _ENVIRONMENT,
        )
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
            raise EnvironmentUnfit(
                f"`apt-get {arguments[0]}` failed for {', '.join(packages)}; "
                f"install by hand and try again:\n{tail}"
            )


def _installed(packages: tuple[str, ...]) -> bool:
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    states = shown.stdout.split("\n")[:-1]
    return len(states) == len(packages) and all(s.startswith("ii") for s in states)


@contextmanager
def services_stay_stopped() -> Iterator[None]:
    """Let no package start its service while it is installed (invoke-rc.d(8))."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", "utf-8")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()

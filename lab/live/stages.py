"""The image stages: one fragment of a Dockerfile per role, and what goes into each.

Reads files, asks no engine. `configs/Dockerfile` is the printing of all fragments, for
`docker compose build`; `lab.live.images` builds each fragment alone.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.live.naming import LAB

#: In the order of the Dockerfile: a stage stands after those it builds upon.
STAGES = (
    "base",
    "node",
    "bird",
    "pdns",
    "gdnsd",
    "nsd",
    "unbound",
    "recursor",
    "bind",
    "dnsmasq",
    "envoy",
    "l4",
    "nftables",
    "clients",
    "backend",
)
BASE_IMAGE = "debian:trixie-slim"
#: Engine architecture (as `uname -m` says it) to Debian's name for it.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

_HEADER = """\
# Generated from configs/*/stage.Dockerfile by `make golden`; edit those.
# `lab build` builds the same stages, one by one and only where something changed.
"""
_REFERENCE = re.compile(r"(?P<lead>^FROM |--from=)(?P<stage>[a-z0-9-]+)", re.MULTILINE)
_COPY = re.compile(r"^COPY (?!--from)(?P<operands>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A fragment of the Dockerfile.

    Attributes:
        needs: Stages that it builds upon or copies from.
        copies: Files and folders of the checkout that it copies.
    """

    name: str
    text: str
    needs: tuple[str, ...]
    copies: tuple[str, ...]


def image_name(stage: str) -> str:
    """Return the image reference of a stage; a node's stem is its stage."""
    return f"{LAB}/{stage}:dev"


def stage_from_text(name: str, text: str) -> Stage:
    """Return the stage that a fragment describes."""
    named = (match["stage"] for match in _REFERENCE.finditer(text))
    operands = (match["operands"].split()[:-1] for match in _COPY.finditer(text))
    return Stage(
        name=name,
        text=text,
        needs=tuple(dict.fromkeys(stage for stage in named if stage in STAGES)),
        copies=tuple(source for sources in operands for source in sources),
    )


def read_stages(root: Path) -> tuple[Stage, ...]:
    """Return all stages of a checkout, in order."""
    folders = ((name, root / "configs" / name) for name in STAGES)
    return tuple(
        stage_from_text(name, (folder / "stage.Dockerfile").read_text("utf-8"))
        for name, folder in folders
    )


def whole_dockerfile(stages: Sequence[Stage]) -> str:
    """Return `configs/Dockerfile`: every stage under a target of its name."""
    return "\n".join((_HEADER, *(stage.text for stage in stages)))


def lone_dockerfile(stage: Stage) -> str:
    """Return a Dockerfile of one stage that takes the others as finished images."""

    def finished(match: re.Match[str]) -> str:
        name = match["stage"]
        return match["lead"] + (image_name(name) if name in STAGES else name)

    return _REFERENCE.sub(finished, stage.text)


def context_files(root: Path, stage: Stage, machine: str) -> dict[str, Path]:
    """Return the files that a stage copies: {path in the build context: file}.

    Args:
        root: The checkout.
        stage: The stage.
        machine: Architecture; wheels of another one are left out.
    """
    found = (
        path
        for source in stage.copies
        for path in sorted(_files_below(root / source))
        if path.suffix != ".whl" or path.stem.endswith(machine)
    )
    return {str(path.relative_to(root)): path for path in found}


def _files_below(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for below in path.rglob("*"):
        if below.is_file() and below.suffix != ".pyc":
            yield below


def context_tar(dockerfile: str, files: Mapping[str, Path]) -> bytes:
    """Return a build context: the files and the Dockerfile, without owners or times."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        _add(tar, "Dockerfile", dockerfile.encode(), 0o644)
        for name, path in files.items():
            _add(tar, name, path.read_bytes(), _mode(path))
    return packed.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def fingerprints(root: Path, stages: Sequence[Stage], machine: str) -> dict[str, str]:
    """Return, for each stage, what tells its present input from any other.

    A stage's input is its fragment, the files that it copies, and the input of every
    stage below it. Wheels do not count: the hashes in their requirements do.
    """
    known: dict[str, str] = {}
    for stage in stages:
        digest = hashlib.sha256(f"{machine}\n{stage.text}\n".encode())
        for need in stage.needs:
            digest.update(known[need].encode())
        for name, path in context_files(root, stage, machine).items():
            if path.suffix != ".whl":
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{name} {_mode(path):o} {content}\n".encode())
        known[stage.name] = digest.hexdigest()[:16]
    return known

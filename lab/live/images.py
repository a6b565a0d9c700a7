"""Building the images: only what changed, what can be at the same time.

Works with the classic builder of old engines as with new ones: each stage is built
alone, from a context in memory that holds just the files it copies.
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import docker
import docker.errors
import requests.exceptions

from lab.errors import EnvironmentUnfit, WorldError
from lab.live.base_image import ensure_base_image
from lab.live.naming import LAB
from lab.live.stages import (
    BASE_IMAGE,
    Stage,
    context_files,
    context_tar,
    fingerprints,
    image_name,
    lone_dockerfile,
    read_stages,
)
from lab.live.wheel import ensure_wheel, wheel_folder

#: Label of an image: the fingerprint of what it was built from.
INPUT_LABEL = f"{LAB}.input"
_WHEEL = "Envoy's wheel"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LOG_TAIL_LINES = 12
_BUILD_TIMEOUT_S = 600


class StepState(StrEnum):
    """Where a step of the build is."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A step of the build began or ended; `seconds` is how long it has taken."""

    step: str
    state: StepState
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A piece of work and the steps that must be done before it.

    `work` gives up soon after the event that it is handed is set.
    """

    name: str
    needs: tuple[str, ...]
    work: Callable[[threading.Event], object]


def stale_stages(client: docker.DockerClient, root: Path) -> tuple[str, ...]:
    """Return the stages whose image is missing or was built from something else."""
    wanted = fingerprints(root, read_stages(root), _machine(client))
    with _translated("list images"):
        images = client.api.images(filters={"label": INPUT_LABEL})
    built = {
        tag: image["Labels"][INPUT_LABEL]
        for image in images
        for tag in image["RepoTags"] or ()
    }
    return tuple(
        s for s, print_ in wanted.items() if built.get(image_name(s)) != print_
    )


def build(
    client: docker.DockerClient, root: Path, *, jobs: int = 2
) -> Iterator[Progress]:
    """Build what is stale, `jobs` steps at a time; yield as steps begin and end.

    Raises:
        EnvironmentUnfit: The base image or Envoy's wheel is out of reach.
        WorldError: A stage failed; the message shows the end of its log.
    """
    stale = stale_stages(client, root)
    machine = _machine(client)
    stages = read_stages(root)
    prints = fingerprints(root, stages, machine)
    steps = []
    if "base" in stale:
        steps.append(Step(name=BASE_IMAGE, needs=(), work=lambda _: _get_base(client)))
    if "envoy" in stale:
        folder = wheel_folder(root)
        steps.append(
            Step(name=_WHEEL, needs=(), work=lambda _: ensure_wheel(folder, machine))
        )
    steps += [
        _build_step(client, root, stage, prints[stage.name], machine)
        for stage in stages
        if stage.name in stale
    ]
    yield from carry_out(steps, jobs=jobs)
    if steps:
        _prune(client)


def _get_base(client: docker.DockerClient) -> None:
    with _translated(f"get {BASE_IMAGE}"):
        ensure_base_image(client)


def _build_step(
    client: docker.DockerClient, root: Path, stage: Stage, print_: str, machine: str
) -> Step:
    extra = {"base": (BASE_IMAGE,), "envoy": (_WHEEL,)}.get(stage.name, ())

    def work(stop: threading.Event) -> None:
        files = context_files(root, stage, machine)
        context = context_tar(lone_dockerfile(stage), files)
        _build_image(client, stage.name, context, print_, stop)

    return Step(name=stage.name, needs=(*stage.needs, *extra), work=work)


def carry_out(steps: Sequence[Step], *, jobs: int) -> Iterator[Progress]:
    """Do each step after those it needs; yield as they begin and end.

    The first failure stops the others and is raised. A step that nobody handed in
    counts as done.
    """
    waiting = {step.name: step for step in steps}
    running: dict[Future[object], tuple[str, float]] = {}
    stop = threading.Event()
    with ThreadPoolExecutor(jobs, thread_name_prefix="build") as pool:
        try:
            while waiting or running:
                unmet = {*waiting, *(name for name, _ in running.values())}
                for step in [s for s in waiting.values() if unmet.isdisjoint(s.needs)]:
                    if len(running) == jobs:
                        break
                    del waiting[step.name]
                    future = pool.submit(step.work, stop)
                    running[future] = (step.name, time.monotonic())
                    yield Progress(step=step.name, state=StepState.STARTED)
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield _ending(*running.pop(future), future)
                    future.result()
        finally:
            stop.set()


def _ending(name: str, began: float, future: Future[object]) -> Progress:
    state = StepState.FAILED if future.exception() else StepState.DONE
    return Progress(step=name, state=state, seconds=time.monotonic() - began)


def _build_image(
    client: docker.DockerClient,
    stage: str,
    context: bytes,
    print_: str,
    stop: threading.Event,
) -> None:
    log: deque[str] = deque(maxlen=_LOG_TAIL_LINES)
    with _translated(f"build the image stage {stage}"):
        lines = client.api.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            tag=image_name(stage),
            labels={INPUT_LABEL: print_},
            rm=True,
            forcerm=True,
            decode=True,
            timeout=_BUILD_TIMEOUT_S,
        )
        for line in lines:
            if stop.is_set():
                return
            log.extend(_COLOUR.sub("", line.get("stream", "")).splitlines())
            if "error" in line:
                tail = "\n".join(text for text in log if text.strip())
                raise WorldError(f"image stage {stage}: {line['error']}\n{tail}")


def _prune(client: docker.DockerClient) -> None:
    """Remove images that lost their name, but none that a build may be busy with."""
    filters = {"dangling": True, "label": INPUT_LABEL, "until": "10m"}
    with _translated("remove replaced images"):
        client.images.prune(filters=filters)


def _machine(client: docker.DockerClient) -> str:
    with _translated("ask for the engine's architecture"):
        return str(client.info()["Architecture"])


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except docker.errors.APIError as exc:
        raise WorldError(f"could not {doing}: {exc.explanation or exc}") from exc
    except requests.exceptions.RequestException as exc:
        raise EnvironmentUnfit(f"could not {doing}: the engine went away") from exc

"""How long a lab takes to come up and go, beside the engine's own share of it."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import median

import docker
import pytest

from lab.live.containers import containers, networks
from lab.live.engine import Engine
from lab.live.stages import image_name
from lab.live.world import LiveWorld
from lab.topology.loading import load
from lab.topology.profiles import Profile, apply

pytestmark = pytest.mark.bench

#: The same containers with no work in them.
BARE_IMAGE = "dns-anycast-lab/bare:bench"
BARE_DOCKERFILE = f'FROM {image_name("base")}\nENTRYPOINT ["sleep", "infinity"]\n'
ROUNDS = 3


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine.connect() as connected:
        yield connected


@pytest.fixture(scope="module")
def bare_image() -> Iterator[str]:
    client = docker.from_env()
    client.images.build(fileobj=io.BytesIO(BARE_DOCKERFILE.encode()), tag=BARE_IMAGE)
    yield BARE_IMAGE
    client.images.remove(BARE_IMAGE, force=True)
    client.close()


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    into.append(time.perf_counter() - began)


def test_up_costs_at_most_twice_what_the_engine_alone_needs(
    engine: Engine, bare_image: str
) -> None:
    topology = apply(load("two-region"), Profile.QUICK)
    bare: list[float] = []
    up: list[float] = []
    down: list[float] = []
    for _ in range(ROUNDS):
        with LiveWorld(engine, "bench-bare") as world, timed(bare):
            plan = world.plan(topology, profile=Profile.QUICK)
            assert len(networks("bench-bare", plan)) == len(plan.links)
            wanted = containers("bench-bare", plan, image_name)
            made = engine.each(
                lambda c: (engine.create_container(replace(c, image=bare_image)), c),
                wanted,
            )
            engine.each(lambda m: engine.start(m[0], m[1].node), made)
        engine.remove("bench-bare")
        with LiveWorld(engine, "bench-up") as world:
            with timed(up):
                for _event in world.up(world.plan(topology, profile=Profile.QUICK)):
                    pass
            with timed(down):
                world.down()
    ratio = median(u / b for u, b in zip(up, bare, strict=True))
    print(f"\nbare {median(bare):.1f} s, up {median(up):.1f} s: x {ratio:.2f}")
    print(f"down {median(down):.1f} s (medians of {ROUNDS})")

    assert median(up) <= 15
    assert ratio <= 2
    assert median(down) <= 8


def test_three_points_of_presence_are_up_in_time(engine: Engine) -> None:
    topology = apply(load("three-pop"), Profile.QUICK)
    up: list[float] = []
    for _ in range(ROUNDS):
        with LiveWorld(engine, "bench-pops") as world:
            plan = world.plan(topology, profile=Profile.QUICK)
            with timed(up):
                for _event in world.up(plan):
                    pass
            world.down()
    print(f"\n{len(plan.nodes)} nodes up {median(up):.1f} s (median of {ROUNDS})")

    assert median(up) <= 25

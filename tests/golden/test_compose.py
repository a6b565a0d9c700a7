"""`compose.yaml` is the printing of two-region's plan, as `lab export compose`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab.live.compose import compose_yaml
from lab.plan.build import build
from lab.topology.loading import load
from lab.topology.profiles import Profile, apply

ROOT = Path(__file__).parents[2]


def test_compose_yaml_is_the_plan_of_two_region(
    golden: Callable[[Path, str], None],
) -> None:
    topology = apply(load("two-region"), Profile.QUICK)
    plan = build(topology, profile=Profile.QUICK)

    golden(ROOT / "compose.yaml", compose_yaml(plan))

"""`configs/Dockerfile` is the printing of the stages' fragments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab.live.stages import read_stages, whole_dockerfile

ROOT = Path(__file__).parents[2]


def test_the_dockerfile_is_all_fragments_in_order(
    golden: Callable[[Path, str], None],
) -> None:
    golden(ROOT / "configs" / "Dockerfile", whole_dockerfile(read_stages(ROOT)))

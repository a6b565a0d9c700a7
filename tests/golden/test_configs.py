"""What every daemon of two-region is given, in full: `make golden`, read the diff.

And BIRD in three-pop, where PoPs have several edges and transits are peers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.plan.model import Node
from tests.golden.configs import one_of_each, planned, spoken

HERE = Path(__file__).parent
KEPT, SPOKEN = HERE / "two-region", HERE / "three-pop"
SPEECHES = spoken()
FILES = {
    f"{node.name}{file.path}": file.text
    for node in one_of_each().values()
    for file in node.files
}


def kind(node: Node) -> tuple[str, str]:
    return node.role, node.stem


@pytest.mark.parametrize("path", FILES)
def test_a_daemon_is_given_what_is_kept(
    path: str, golden: Callable[[Path, str], None]
) -> None:
    golden(KEPT / path, FILES[path])


@pytest.mark.parametrize("path", SPEECHES)
def test_bird_is_given_what_is_kept(
    path: str, golden: Callable[[Path, str], None]
) -> None:
    golden(SPOKEN / path, SPEECHES[path])


def test_every_kind_of_node_with_files_is_kept() -> None:
    with_files = {kind(node) for node in planned() if node.files}

    assert {kind(node) for node in one_of_each().values()} == with_files


def test_nothing_is_kept_that_no_daemon_is_given() -> None:
    for folder, given in ((KEPT, FILES), (SPOKEN, SPEECHES)):
        kept = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert kept == given.keys()

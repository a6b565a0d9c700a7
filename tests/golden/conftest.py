"""Golden files: generated text kept in the repository; `make golden` rewrites it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def golden() -> Callable[[Path, str], None]:
    """A function (file, text) that compares, or rewrites if LAB_GOLDEN=rewrite."""

    def compare(file: Path, text: str) -> None:
        if os.environ.get("LAB_GOLDEN") == "rewrite":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        kept = file.read_text("utf-8") if file.exists() else ""

        assert text == kept, f"{file.name} is out of date; `make golden` rewrites it"

    return compare

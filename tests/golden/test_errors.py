"""Every wrong topology in `errors/` is told in the words beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import InvalidInput
from lab.topology.loading import parse

FOLDER = Path(__file__).parent / "errors"
CASES = sorted(file.stem for file in FOLDER.glob("*.yaml"))


class TestErrors:
    @pytest.mark.parametrize("case", CASES)
    def test_problems_are_told_with_place_value_and_what_is_allowed(
        self, case: str, golden: Callable[[Path, str], None]
    ) -> None:
        file = FOLDER / f"{case}.yaml"

        with pytest.raises(InvalidInput) as raised:
            parse(file.read_text("utf-8"), file=file.name)

        golden(FOLDER / f"{case}.txt", f"{raised.value}\n")
        places = [(p.line, p.column) for p in raised.value.problems]
        assert places == sorted(places)
        assert all(p.line and p.column for p in raised.value.problems)
        assert all(p.what and p.allowed for p in raised.value.problems)

    def test_every_text_has_its_topology(self) -> None:
        assert sorted(file.stem for file in FOLDER.glob("*.txt")) == CASES

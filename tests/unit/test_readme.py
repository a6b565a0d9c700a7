"""What the README lists is what there is."""

from __future__ import annotations

from lab.scenario.catalogue import load_catalogue
from tests.unit.worlds import ROOT


def test_its_table_of_scenarios_is_the_catalogue() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- scenarios -->\n")
    table, _, _ = rest.partition("<!-- /scenarios -->")
    rows = [
        tuple(cell.strip(" `") for cell in line.strip("|").split("|"))
        for line in table.splitlines()[2:]
    ]
    there_are = {
        (file.name, ", ".join(file.questions), file.title)
        for file in load_catalogue(ROOT / "scenarios").values()
    }

    assert set(rows) == there_are
    assert len(rows) == len(there_are)

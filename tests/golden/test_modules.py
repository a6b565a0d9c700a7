"""`docs/modules.md` is the map of the package, printed from its docstrings."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAD = """# The modules

Printed from the first lines of the docstrings (`make golden`). Imports go from the
top of this order downwards only; a test holds them to it:
`cli` > `live` > `runner`, `store` > `report` > `judge` > `plan` > `render` > `world` >
`scenario` > `history` > `topology`. `node`, `agent` and `backend` run inside containers
and import nothing else of the package.
"""


def _first_line(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def _lines() -> Iterator[str]:
    yield HEAD
    for folder in sorted({m.parent for m in (ROOT / "lab").rglob("*.py")}):
        modules = sorted(m for m in folder.glob("*.py") if m.name != "__init__.py")
        name = folder.relative_to(ROOT)
        yield f"## `{name}/`\n{_first_line(folder / '__init__.py')}\n"
        for module in modules:
            yield f"- `{module.name}`: {_first_line(module)}"
        yield ""


def test_the_map_names_every_module(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs/modules.md", "\n".join(_lines()))

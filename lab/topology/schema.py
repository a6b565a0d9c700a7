"""The JSON Schema of topology files, for editors and for `lab schema topology`. Pure.

It knows shapes and single values; what relates two values is in `lab.topology.rules`.
"""

from __future__ import annotations

from typing import Any, Final

from lab.topology.model import Topology

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the schema, a JSON value."""
    generated = Topology.model_json_schema()
    return {"$schema": DIALECT, **generated, "title": "Topology of a lab"}

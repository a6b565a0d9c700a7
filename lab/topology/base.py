"""What every model of a topology file is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAME_RULE = (
    "lower-case letters, digits and inner hyphens, first a letter, at most 32 in all"
)

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]*[a-z0-9]$|^[a-z]$", max_length=32),
    Field(description=NAME_RULE),
]


class Model(BaseModel):
    """Base: frozen, and an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )

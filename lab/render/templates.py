"""The one Jinja environment: templates in `configs/`, an unknown name is an error."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab.paths import configs_folder


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(configs_folder()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def fill(template: str, **values: object) -> str:
    """Return `configs/<template>` with its values filled in."""
    return _environment().get_template(template).render(**values)

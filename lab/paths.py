"""Where the lab's data lives: topologies/, configs/, scenarios/ of the checkout."""

from __future__ import annotations

import os
from pathlib import Path

from lab.errors import EnvironmentUnfit

_ROOT = Path(__file__).resolve().parent.parent


def checkout() -> Path:
    """Return the folder that holds the lab's data.

    Raises:
        EnvironmentUnfit: The package was installed away from its checkout.
    """
    if not (_ROOT / "configs").is_dir():
        raise EnvironmentUnfit(
            f"there is no configs/ beside {_ROOT / 'lab'}: the lab runs from a "
            "checkout; clone it and run `make demo` there"
        )
    return _ROOT


def configs_folder() -> Path:
    """Return the folder of daemon templates and image stages."""
    return checkout() / "configs"


def topologies_folder() -> Path:
    """Return the folder of topology files."""
    return checkout() / "topologies"


def scenarios_folder() -> Path:
    """Return the folder of scenario files."""
    return checkout() / "scenarios"


def runs_folder() -> Path:
    """Return the folder that runs are stored in; it may not exist yet.

    It is the checkout's, unless the environment names one (`LAB_RUNS`).
    """
    named = os.environ.get("LAB_RUNS")
    return Path(named) if named else checkout() / "runs"

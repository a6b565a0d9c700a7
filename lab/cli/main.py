"""The command `lab`: parse, one call into the library, an exit status.

Exit status: 0 all expectations hold, 1 one failed, 2 wrong use or invalid input, 3 the
environment cannot run it, 4 the verdict is unknown, 70 a fault of the harness itself,
130 interrupted.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

import typer

from lab.cli import files, labs, machine, runs
from lab.cli.context import ERR
from lab.errors import LabError

_HARNESS_FAULT = 70
_INTERRUPTED = 130

app = typer.Typer(
    name="lab",
    help="Kill a region of a small, real Internet and see who recovers when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (machine, labs, runs, files):
    module.add_to(app)


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(_status_of(sys.argv[1:]))


def _status_of(argv: list[str]) -> int:
    try:
        app(argv, standalone_mode=True)
    except LabError as error:
        ERR.print(f"[bold red]error[/] {type(error).__name__}", markup=True)
        ERR.print(str(error), markup=False, soft_wrap=True)
        return error.exit_status
    except KeyboardInterrupt:
        ERR.print("interrupted; what runs can be removed with `lab down`")
        return _INTERRUPTED
    except SystemExit as leaving:
        return _exit_code(leaving)
    except Exception as error:
        ERR.print(f"[bold red]fault of the harness[/] {type(error).__name__}: ", end="")
        ERR.print(str(error), markup=False, soft_wrap=True)
        ERR.print(f"the details are in {_keep_traceback()}")
        return _HARNESS_FAULT
    return 0


def _exit_code(leaving: SystemExit) -> int:
    return leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))


def _keep_traceback() -> Path:
    with tempfile.NamedTemporaryFile(
        "w", prefix="lab-fault-", suffix=".txt", delete=False
    ) as file:
        file.write(traceback.format_exc())
    return Path(file.name)

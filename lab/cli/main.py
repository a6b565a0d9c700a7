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

from lab.cli import files, labs, looking, machine, nodes, runs
from lab.cli.context import ERR
from lab.errors import InvalidInput, LabError

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
for module in (machine, labs, nodes, looking, runs, files):
    module.add_to(app)


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(status_of(sys.argv[1:]))


def status_of(argv: list[str]) -> int:
    """Return the exit status of a command line; the one place that decides it."""
    try:
        app(argv, prog_name="lab")
    except LabError as error:
        _say_error(error)
        return error.exit_status
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
        if status == _INTERRUPTED:
            ERR.print("interrupted; `lab down` removes what runs")
        return status
    except Exception as error:
        ERR.print("[bold red]fault of the harness[/]: ", end="")
        ERR.print(f"{type(error).__name__}: {error}", markup=False, soft_wrap=True)
        ERR.print(f"the details are in {_keep_traceback()}", soft_wrap=True)
        return _HARNESS_FAULT
    return 0


def _say_error(error: LabError) -> None:
    problems = error.problems if isinstance(error, InvalidInput) else ()
    if len(problems) > 1:
        ERR.print(f"[bold red]{len(problems)} mistakes[/]:")
    else:
        ERR.print("[bold red]error[/]: ", end="")
    for said in (str(error), *getattr(error, "__notes__", ())):
        ERR.print(said, markup=False, soft_wrap=True)


def _keep_traceback() -> Path:
    with tempfile.NamedTemporaryFile(
        "w", prefix="lab-fault-", suffix=".txt", delete=False
    ) as file:
        file.write(traceback.format_exc())
    return Path(file.name)

"""Every command that the README shows works as shown, in its order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
#: A lab of its own, beside those of the other tests.
ENVIRONMENT = os.environ | {"LAB_NAME": f"test-readme-{os.getpid()}"}
LAB = Path(sys.executable).parent / "lab"
#: `make demo` runs `lab run region-kill`; `make test` runs this.
_ELSEWHERE = ("make ",)


def _commands() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.split("#")[0].strip() for b in blocks for line in b.splitlines()]
    return [line for line in lines if line and not line.startswith(_ELSEWHERE)]


@pytest.fixture(scope="module")
def _cleared() -> Iterator[None]:
    """The README's lab, gone afterwards even if a command failed."""
    yield
    subprocess.run([LAB, "down"], check=True, cwd=ROOT, env=ENVIRONMENT)


@pytest.mark.usefixtures("_cleared")
def test_the_commands_of_the_readme_work_in_their_order() -> None:
    commands = _commands()

    assert commands[0] == "lab doctor"
    assert "lab run region-kill --set fault=drain" in commands
    for command in commands:
        # The engine runs the other tests' labs too: only this one's goes.
        words = command.replace("down --all", "down").split()
        assert words[0] == "lab", f"not a command of the lab: {command}"
        done = subprocess.run(
            [LAB, *words[1:]],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=ENVIRONMENT,
            timeout=240,
            check=False,
        )
        said = f"`{command}`:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert done.returncode == 0, said
        assert "Traceback" not in done.stderr

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
LAB = Path(sys.executable).parent / "lab"
#: `make demo` runs `lab run region-kill`; `make test` runs this.
_ELSEWHERE = ("make ",)


def _commands() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.split("#")[0].strip() for b in blocks for line in b.splitlines()]
    return [line for line in lines if line and not line.startswith(_ELSEWHERE)]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A lab and runs of its own; the lab is gone afterwards, whatever failed."""
    own = {"LAB_NAME": f"test-readme-{os.getpid()}", "LAB_RUNS": str(tmp_path)}
    yield os.environ | own
    subprocess.run([LAB, "down"], check=True, cwd=ROOT, env=os.environ | own)


def test_the_commands_of_the_readme_work_in_their_order(
    environment: dict[str, str],
) -> None:
    commands = _commands()

    assert commands[0] == "lab doctor"
    assert "lab run region-kill --set fault=drain" in commands
    told: dict[str, str] = {}
    for command in commands:
        # The engine runs the other tests' labs too: only this one's goes.
        words = command.replace("down --all", "down").split()
        assert words[0] == "lab", f"not a command of the lab: {command}"
        done = subprocess.run(
            [LAB, *words[1:]],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
            timeout=240,
            check=False,
        )
        said = f"`{command}`:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert done.returncode == 0, said
        assert "Traceback" not in done.stderr
        told[command] = done.stdout
    left = told["lab routes us-east-edge"]
    assert "us-east-l4-2" in left
    assert "us-east-l4-1" not in left

"""Rules of the agent as a process, and of what it may import."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import lab.agent
import lab.backend
from tests.unit.agent.test_plan import PLAN

LOCAL = {**PLAN, "sources": ["127.0.0.1"], "cohorts": []}
PLAN_LINE = json.dumps(LOCAL)


@contextmanager
def agent() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "lab.agent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class TestMain:
    def test_a_bad_first_line_is_told_on_stderr_with_status_2(self) -> None:
        with agent() as process:
            out, err = process.communicate("{}\n", timeout=10)

        assert process.returncode == 2
        assert out == ""
        assert "watch plan: zone is missing" in err
        assert "Traceback" not in err

    def test_no_input_at_all_is_a_bad_first_line(self) -> None:
        with agent() as process:
            _, err = process.communicate("", timeout=10)

        assert process.returncode == 2
        assert "not JSON" in err

    def test_the_end_of_input_stops_it_with_status_0(self) -> None:
        with agent() as process:
            out, err = process.communicate(PLAN_LINE + "\n", timeout=10)

        assert (process.returncode, err) == (0, "")
        assert json.loads(out.splitlines()[-1])["type"] == "stats"

    def test_commands_that_came_with_the_plan_are_obeyed(self) -> None:
        stop = '{"id":4,"do":"stop"}\n'
        with agent() as process:
            out, _ = process.communicate(PLAN_LINE + "\n" + stop, timeout=10)

        assert json.loads(out.splitlines()[-1]) == {
            "type": "reply",
            "id": 4,
            "ok": True,
        }

    def test_a_command_is_replied_to_while_input_stays_open(self) -> None:
        with agent() as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(PLAN_LINE + '\n{"id":1,"do":"flush"}\n')
            process.stdin.flush()
            reply = json.loads(process.stdout.readline())

        assert (reply["id"], reply["ok"]) == (1, True)

    def test_sigterm_is_a_stop(self) -> None:
        with agent() as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(PLAN_LINE + '\n{"id":1,"do":"flush"}\n')
            process.stdin.flush()
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            status = process.wait(10)

        assert status == 0

    def test_it_ends_when_nobody_reads_its_journal(self) -> None:
        with agent() as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.close()
            process.stdin.write(PLAN_LINE + '\n{"id":1,"do":"flush"}\n')
            process.stdin.flush()
            status = process.wait(10)

        assert status == 1


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize(
    ("package", "outsiders"),
    [(lab.agent, {"dns"}), (lab.backend, set())],
    ids=["agent", "backend"],
)
def test_what_runs_in_a_container_imports_only_what_is_there(
    package: object, outsiders: set[str]
) -> None:
    name = getattr(package, "__name__", "")
    folder = Path(str(getattr(package, "__file__", ""))).parent
    allowed = sys.stdlib_module_names | outsiders

    strangers = {
        module
        for path in folder.glob("*.py")
        for module in imports(path)
        if module.partition(".")[0] not in allowed and not module.startswith(name)
    }

    assert strangers == set()

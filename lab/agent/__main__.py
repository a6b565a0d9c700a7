"""`python3 -m lab.agent`: plan and commands on standard input, journal on output.

Exit status: 0 stopped as told, 1 nobody reads the journal any more, 2 the first line
is no watch plan, 70 whoever reads the journal does not keep up.
"""

from __future__ import annotations

import asyncio
import importlib
import resource
import signal
import sys

from lab.agent.agent import Agent
from lab.agent.journal import Journal, ReaderTooSlow
from lab.agent.lines import Lines
from lab.agent.plan import BadPlan, WatchPlan, read_plan


def main() -> int:
    """Run the agent; return the exit status."""
    lines = Lines(sys.stdin.fileno())
    try:
        plan = read_plan(lines.first())
    except BadPlan as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _lift_descriptor_limit()
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(attend(plan, lines))
    except* ReaderTooSlow as group:
        sys.stderr.write(f"{group.exceptions[0]}\n")
    return 70


async def attend(plan: WatchPlan, lines: Lines) -> int:
    """Run an agent between standard input and output; return the exit status."""
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[str | None] = asyncio.Queue()

    def end() -> None:
        commands.put_nowait(None)

    def listen(arrived: list[str]) -> None:
        for line in arrived:
            commands.put_nowait(line)
        if lines.ended:
            loop.remove_reader(lines.descriptor)
            end()

    with Journal(
        sys.stdout.fileno(), on_broken=lambda: loop.call_soon_threadsafe(end)
    ) as journal:
        loop.add_signal_handler(signal.SIGTERM, end)
        loop.add_reader(lines.descriptor, lambda: listen(lines.ready()))
        listen(lines.whole())
        await Agent(plan, journal).run(commands)
    return 1 if journal.broken else 0


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop event loop where there is one, else the standard one."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _lift_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())

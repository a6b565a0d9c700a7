"""Rules of what rendering returns."""

from __future__ import annotations

from lab.plan.model import Condition, File, Process
from lab.render.model import Rendered, joined

FIRST = Rendered(
    files=(File(path="/etc/lab/a/a.conf", text="a"),),
    processes=(Process(name="a", argv=("a",)),),
    conditions=(Condition(text="a answers", kind="http"),),
    tmpfs=("/var/a", "/var/both"),
    capabilities=("NET_ADMIN",),
    memory_mb=100,
)
SECOND = Rendered(
    files=(),
    processes=(Process(name="b", argv=("b",)),),
    conditions=(),
    tmpfs=("/var/both",),
    capabilities=("NET_ADMIN", "NET_RAW"),
    memory_mb=50,
)


class TestJoined:
    def test_daemons_start_in_the_order_given(self) -> None:
        both = joined(SECOND, FIRST)

        assert [p.name for p in both.processes] == ["b", "a"]

    def test_needs_are_named_once(self) -> None:
        both = joined(FIRST, SECOND)

        assert both.tmpfs == ("/var/a", "/var/both")
        assert both.capabilities == ("NET_ADMIN", "NET_RAW")

    def test_memory_adds_up(self) -> None:
        assert joined(FIRST, SECOND).memory_mb == 150

    def test_files_and_conditions_are_kept(self) -> None:
        both = joined(FIRST, SECOND)

        assert both.files == FIRST.files
        assert both.conditions == FIRST.conditions

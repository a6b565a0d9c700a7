"""Rules of waiting for nodes, with nodes that only talk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import docker
import pytest

from lab.errors import EnvironmentUnfit
from lab.live.engine import Engine
from lab.live.fleet import Fleet, Inbox
from lab.live.readiness import until_ready

SOON_S = 5.0


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A fleet without any node, of an engine that nobody asks."""
    with (
        Engine(docker.APIClient(version="1.41")) as engine,
        closing(Fleet(engine)) as nodes,
    ):
        yield nodes


def said(*messages: dict[str, Any]) -> Inbox:
    inbox: Inbox = Inbox()
    for message in messages:
        inbox.put(("transit-a", message))
    return inbox


class TestUntilReady:
    def test_ends_when_every_node_has_said_that_all_holds(self, fleet: Fleet) -> None:
        ready = {"kind": "ready", "t": 1, "condition": "BGP"}
        inbox = said(ready, {"kind": "all-ready", "t": 2})

        found = until_ready(fleet, inbox, ["transit-a"], deadline_s=SOON_S)

        assert list(found) == [("transit-a", ready)]

    def test_what_the_machine_lacks_is_told_as_the_node_says_it(
        self, fleet: Fleet
    ) -> None:
        why = "the link atlantic cannot have its delay of 40 ms"
        inbox = said({"kind": "unfit", "why": why})

        with pytest.raises(EnvironmentUnfit, match=f"transit-a: {why}"):
            list(until_ready(fleet, inbox, ["transit-a"], deadline_s=SOON_S))

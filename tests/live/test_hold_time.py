"""Without BFD a silent neighbour is missed when the hold timer ends, and not later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from lab.live.channel import replies
from lab.live.daemons.bird import birdc
from lab.live.engine import Engine
from lab.live.fleet import Fleet, Member
from lab.live.world import LiveWorld
from lab.plan.model import Plan
from lab.topology.timers import Bfd
from tests.live import two_routers
from tests.live.conftest import removed
from tests.unit.worlds import quick

pytestmark = pytest.mark.live

NAME = "test-hold-time"
#: From the end of the hold timer to the kernel without the route.
AT_ONCE_S = 0.1
ROUTE = str(two_routers.ENDS["far"][1])
GONE = f"""
now() {{ cut -d " " -f 1 /proc/uptime; }}
now
{" ".join(birdc("show", "protocols", "all", "to_far"))} | grep "Hold timer"
while ip route show {ROUTE} | grep -q via; do sleep 0.01; done
now
"""


@pytest.fixture(scope="module")
def plan(engine: Engine) -> Plan:
    timers = quick().timers.model_copy(update={"bfd": Bfd(enabled=False)})
    return two_routers.plan(engine, delay_ms=0, timers=timers)


@pytest.fixture(scope="module")
def world(engine: Engine, plan: Plan) -> Iterator[LiveWorld]:
    with LiveWorld(engine, NAME) as world:
        try:
            for _ in world.up(plan):
                pass
            yield world
        finally:
            removed(world.down)


@pytest.mark.parametrize("fault", ["power-off", "hang"])
def test_the_route_goes_with_the_hold_timer(
    engine: Engine, world: LiveWorld, plan: Plan, fault: str
) -> None:
    def told(verb: str) -> None:
        with closing(Fleet(engine)) as fleet:
            for found in engine.containers(NAME):
                fleet.attach(Member.from_labels(found.labels, found.id))
            replies(fleet.request(verb, ["far"]), 5)

    told(fault)
    asked, hold, gone = world.execute("near", "sh", "-c", GONE)["stdout"].splitlines()
    remaining = re.search(r"Hold timer: +([\d.]+)/", hold)
    told("restore")
    for _ in world.up(plan):
        pass

    assert remaining
    late_s = float(gone) - float(asked) - float(remaining[1])
    assert abs(late_s) < AT_ONCE_S

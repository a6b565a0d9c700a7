"""Rules of bringing a target back, with nodes that only obey."""

from __future__ import annotations

from lab.live.recovery import bring_back
from tests.unit.live.fake_fleet import ADDRESS, small_fleet


class TestBringBack:
    def test_resolvers_start_anew_once_the_target_is_back(self) -> None:
        with small_fleet() as (fleet, _, log):
            for _ in bring_back(fleet, "provider", deadline_s=1):
                pass

        assert log == [
            f"transit let-in {ADDRESS}",
            "provider restore",
            "honest crash",
            "honest restore",
        ]

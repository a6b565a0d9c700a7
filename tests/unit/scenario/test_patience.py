"""Rules of how long clients wait."""

from __future__ import annotations

from lab.scenario import patience
from lab.scenario.bounds import ATTEMPT_S

#: Bounds of a Connection Attempt Delay: RFC 8305, section 8.
SHORTEST_MS, LONGEST_MS = 100, 2000


class TestPatience:
    def test_nobody_outwaits_an_attempt(self) -> None:
        longest = max(patience.CONNECT_MS, patience.SDK_DEADLINE_MS)

        assert longest < ATTEMPT_S * 1000

    def test_a_race_is_run_while_its_attempt_lasts(self) -> None:
        assert SHORTEST_MS <= patience.RACE_DELAY_MS <= LONGEST_MS
        assert 3 * patience.RACE_DELAY_MS < patience.CONNECT_MS

    def test_an_sdk_has_time_for_every_one_of_three_addresses(self) -> None:
        assert 3 * patience.SDK_TRY_MS < patience.SDK_DEADLINE_MS

"""Rules of what a container's words tell about the machine."""

from __future__ import annotations

import pytest

from lab.live.checks import CheckState
from lab.live.inside import delay_check, probe_checks


class TestProbeChecks:
    def states(self, said: str) -> dict[str, CheckState]:
        checks = probe_checks(said, before_ns=10, after_ns=20)
        return {check.name: check.state for check in checks}

    def test_a_clock_read_between_two_looks_is_shared(self) -> None:
        assert self.states("net-admin clock 15")["clock"] is CheckState.OK

    def test_a_clock_outside_them_is_another(self) -> None:
        assert self.states("net-admin clock 5")["clock"] is CheckState.FAIL

    def test_a_container_that_cannot_set_links_up_is_unfit(self) -> None:
        states = self.states("RTNETLINK answers: Operation not permitted")

        assert states["capabilities"] is CheckState.FAIL


class TestDelayCheck:
    @pytest.mark.parametrize(
        ("said", "state", "seen"),
        [
            (["net-admin", "netem", "relay"], CheckState.OK, "by netem"),
            (["net-admin", "relay"], CheckState.OK, "by a relay"),
            (["no relay: not permitted"], CheckState.WARN, "not permitted"),
        ],
    )
    def test_the_means_in_use_is_told(
        self, said: list[str], state: CheckState, seen: str
    ) -> None:
        found = delay_check(said)

        assert found.state is state
        assert seen in found.seen

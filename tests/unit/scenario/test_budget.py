"""Rules of which cause accounts for which part of an outage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.scenario import budget, common
from lab.scenario.model import Bound, Cause, FaultKind
from tests.unit.scenario.test_forecast import DESIGNS, cohort, fault

POWER_OFF = fault(FaultKind.POWER_OFF)  # answers are 4 s old, of a TTL of 12


def part(
    cause: Cause, resolver: str = "us-honest", behaviour: str = "first-address"
) -> tuple[Bound, Bound]:
    """Return one cause's part of a cohort's outage, and the whole of it."""
    of = cohort("app", resolver, behaviour)
    back = common.recovery(DESIGNS, of, POWER_OFF)
    return budget.part(DESIGNS, of, POWER_OFF, cause, back=back), back


class TestPart:
    def test_detection_lasts_until_the_slowest_provider_has_decided(self) -> None:
        found, back = part(Cause.DETECTION)

        assert found.low_s == pytest.approx(2 - 0.25 - 2 * 0.08)
        assert found.high_s == min(6 + 0.5, back.high_s)

    def test_the_cache_accounts_for_the_rest(self) -> None:
        found, back = part(Cause.RESOLVER_CACHE)
        detection, _ = part(Cause.DETECTION)

        assert found.low_s == max(0.0, back.low_s - detection.high_s)
        assert found.high_s == pytest.approx(back.high_s - detection.low_s)

    def test_a_clamp_and_a_pin_begin_where_the_ttl_is_over(self) -> None:
        clamp, clamped = part(Cause.RESOLVER_CLAMP, "us-clamping")
        pin, pinned = part(Cause.CLIENT_PIN, behaviour="pinned")

        assert clamp.low_s == pytest.approx(clamped.low_s - (8 + 1 + 0.5))
        assert clamp.high_s == pytest.approx(clamped.high_s - (8 + 1 - 2))
        assert pin.low_s == pytest.approx(pinned.low_s - (8 + 0.5))
        assert pin.high_s == pytest.approx(pinned.high_s - (8 - 2))

    def test_a_stale_answer_is_good_for_its_own_time(self) -> None:
        found, _ = part(Cause.SERVE_STALE, "us-stale")

        assert found.low_s == 6
        assert found.high_s == pytest.approx(6 + 0.5 + 0.08 + 0.25)

    def test_what_dns_does_not_know_is_refused(self) -> None:
        with pytest.raises(ValueError, match="overload"):
            part(Cause.OVERLOAD)

    def test_caches_of_no_set_age_are_refused(self) -> None:
        of, now = cohort("app"), replace(POWER_OFF, at_age_s=None)
        back = common.recovery(DESIGNS, of, POWER_OFF)

        with pytest.raises(ValueError, match="no set age"):
            budget.part(DESIGNS, of, now, Cause.DETECTION, back=back)
